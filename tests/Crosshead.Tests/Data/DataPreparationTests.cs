using System.IO.Compression;
using System.Runtime.InteropServices;
using Crosshead.Data;

namespace Crosshead.Tests.Data;

public sealed class DataPreparationTests
{
    private static readonly Lazy<Tokenizer> s_tokenizer = new(() => BpeTrainer.Train([Paragraphs(40)], new BpeTrainerOptions { VocabularySize = 320 }));

    private static readonly DataPreparationOptions s_options = new() { HeldOutFraction = 0.2, ShardTokens = 2000, Workers = 2 };

    [Fact]
    public void Shards_hold_every_document_ended_by_the_end_token()
    {
        using var folder = new TemporaryFolder();
        var input = Write(folder, "text.jsonl", string.Concat(Enumerable.Range(0, 60).Select(i => $"{{\"text\":\"document {i}: heads and keys, {new string('x', i)}\"}}\n")));
        var manifest = DataPreparation.Run([input], s_tokenizer.Value, folder.File("out"), s_options);
        Assert.Equal(60, manifest.Train.Documents + manifest.HeldOut.Documents);
        Assert.InRange(manifest.HeldOut.Documents, 1, 30);
        var documents = new[] { manifest.Train, manifest.HeldOut }.SelectMany(s => Texts(folder.File("out"), s)).ToArray();
        Assert.Equal(new DocumentReader([input], new SourceOptions()).Read().Select(d => d.Text).Order(StringComparer.Ordinal), documents.Order(StringComparer.Ordinal));
        Assert.All(manifest.Train.Shards.SkipLast(1), s => Assert.True(s.Tokens >= 2000));
        Assert.True(File.Exists(Path.Combine(folder.File("out"), "tokenizer.json")));
    }

    [Fact]
    public void An_interrupted_preparation_ends_with_the_bytes_of_a_straight_one()
    {
        using var folder = new TemporaryFolder();
        var input = Write(folder, "text.txt", Paragraphs(6000));
        DataPreparation.Run([input], s_tokenizer.Value, folder.File("straight"), s_options);

        var interruptions = 0;
        for (var done = false; !done;)
        {
            using var stop = new CancellationTokenSource();
            var target = ++interruptions <= 2 ? interruptions : int.MaxValue;
            var reports = 0;
            try
            {
                DataPreparation.Run([input], s_tokenizer.Value, folder.File("broken"), s_options, new Told(() => { if (++reports == target) stop.Cancel(); }), stop.Token);
                done = true;
            }
            catch (OperationCanceledException)
            {
                Assert.False(File.Exists(Path.Combine(folder.File("broken"), DatasetManifest.FileName)));
            }
        }
        Assert.True(interruptions > 1, "the run was too short to be interrupted");
        var files = Directory.GetFiles(folder.File("straight")).Select(Path.GetFileName).Order().ToArray();
        Assert.Equal(files, Directory.GetFiles(folder.File("broken")).Select(Path.GetFileName).Order());
        Assert.All(files, f => Assert.Equal(File.ReadAllBytes(Path.Combine(folder.File("straight"), f!)), File.ReadAllBytes(Path.Combine(folder.File("broken"), f!))));
    }

    [Fact]
    public void A_finished_folder_is_recognised_and_other_data_are_refused()
    {
        using var folder = new TemporaryFolder();
        var input = Write(folder, "text.txt", Paragraphs(200));
        var first = DataPreparation.Run([input], s_tokenizer.Value, folder.File("out"), s_options);
        var written = File.GetLastWriteTimeUtc(Path.Combine(folder.File("out"), first.Train.Shards[0].File));
        Assert.Equal(first.Identity(), DataPreparation.Run([input], s_tokenizer.Value, folder.File("out"), s_options).Identity());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(folder.File("out"), first.Train.Shards[0].File)));

        Assert.Contains("seed is 7 here and 0 there", Refused(() => DataPreparation.Run([input], s_tokenizer.Value, folder.File("out"), s_options with { Seed = 7 })));
        var other = BpeTrainer.Train([Paragraphs(40)], new BpeTrainerOptions { VocabularySize = 330 });
        Assert.Contains("tokenizer is", Refused(() => DataPreparation.Run([input], other, folder.File("out"), s_options)));
        Assert.NotEqual(first.Identity(), DataPreparation.Run([input], other, folder.File("out"), s_options with { Overwrite = true }).Identity());
    }

    [Fact]
    public void One_document_of_several_is_held_out_however_small_the_fraction()
    {
        using var folder = new TemporaryFolder();
        var input = Write(folder, "two.jsonl", "{\"text\":\"first\"}\n{\"text\":\"second\"}\n");
        var manifest = DataPreparation.Run([input], s_tokenizer.Value, folder.File("out"), s_options with { HeldOutFraction = 1e-6 });
        Assert.Equal((1L, 1L), (manifest.Train.Documents, manifest.HeldOut.Documents));
    }

    [Fact]
    public void Compressed_files_folders_and_patterns_give_the_documents_of_plain_files()
    {
        using var folder = new TemporaryFolder();
        var text = Paragraphs(300);
        Directory.CreateDirectory(folder.File("in"));
        Write(folder, "in/a.txt", text);
        var plain = Read(folder.File("in/a.txt"));
        Assert.True(plain.Length > 2);
        using (var gzip = new GZipStream(File.Create(folder.File("in/b.txt.gz")), CompressionLevel.Fastest)) gzip.Write(System.Text.Encoding.UTF8.GetBytes(text));
        using (var file = File.Create(folder.File("in/c.txt.zst")))
        using (var zstd = new ZstdSharp.CompressionStream(file)) zstd.Write(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.Equal(plain, Read(folder.File("in/b.txt.gz")));
        Assert.Equal(plain, Read(folder.File("in/c.txt.zst")));
        Assert.Equal(3 * plain.Length, Read(folder.File("in")).Length);
        Assert.Equal(2 * plain.Length, Read(folder.File("in/*.txt*z*")).Length);

        foreach (var name in new[] { "in/b.txt.gz", "in/c.txt.zst" })
        {
            var bytes = File.ReadAllBytes(folder.File(name));
            File.WriteAllBytes(folder.File(name), bytes[..(bytes.Length / 2)]);
            Assert.Contains("truncated", Refused(() => Read(folder.File(name))));
        }
    }

    [Fact]
    public async Task Parquet_gives_its_column_and_names_those_it_has()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("rows.parquet");
        var schema = new Parquet.Schema.ParquetSchema(new Parquet.Schema.DataField<string>("body"));
        await using (var stream = File.Create(path))
        {
            await using var writer = await Parquet.ParquetWriter.CreateAsync(schema, stream);
            using var group = writer.CreateRowGroup();
            await group.WriteAsync(schema.DataFields[0], new string?[] { "first row", "second row" });
        }
        Assert.Equal(["first row", "second row"], Read(path, "body"));
        Assert.Contains("body", Refused(() => Read(path, "text")));
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..40]);
        Assert.Contains("rows.parquet", Refused(() => Read(path, "body")));
    }

    public static TheoryData<string, byte[], string> BadFiles => new()
    {
        { "empty.txt", [], "is empty" },
        { "nul.txt", [.. "text "u8, 0, .. "more"u8], "byte 5" },
        { "latin1.txt", [.. "caf"u8, 0xe9, .. " au lait"u8], "byte 3" },
        { "rows.jsonl", [.. "{\"text\":\"a\"}\n{\"text\":"u8], "line 2" },
        { "rows.jsonl", [.. "{\"body\":\"a\"}\n"u8], "body" },
        { "rows.jsonl", [.. "{\"text\":5}\n"u8], "line 1" },
    };

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void Bad_files_are_refused_with_the_place(string name, byte[] contents, string place)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File(name), contents);
        var message = Refused(() => Read(folder.File(name)));
        Assert.Contains(name, message);
        Assert.Contains(place, message);
    }

    [Fact]
    public void Inputs_that_are_not_there_are_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("nothing.txt", Refused(() => Read(folder.File("nothing.txt"))));
        Assert.Contains("*.md", Refused(() => Read(folder.File("*.md"))));
    }

    private static string[] Read(string input, string field = "text") => [.. new DocumentReader([input], new SourceOptions { Field = field }).Read().Select(d => d.Text)];

    private static string Refused(Action action)
    {
        var message = Assert.Throws<CrossheadException>(action).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static string Write(TemporaryFolder folder, string name, string text)
    {
        File.WriteAllText(folder.File(name), text);
        return folder.File(name);
    }

    private static string Paragraphs(int count) => string.Concat(Enumerable.Range(0, count).Select(i =>
        $"Paragraph {i} says that head {i % 7} reads key {i % 11}, and that nothing else is read by it; {string.Join(' ', Enumerable.Range(0, 20).Select(j => (i * j * 7919) % 1009))}.\n\n"));

    private static IEnumerable<string> Texts(string folder, SplitInfo split)
    {
        var ids = split.Shards.SelectMany(s => MemoryMarshal.Cast<byte, ushort>(File.ReadAllBytes(Path.Combine(folder, s.File))).ToArray()).Select(t => (int)t).ToArray();
        Assert.Equal(split.Tokens, ids.Length);
        var start = 0;
        for (var i = 0; i < ids.Length; i++)
        {
            if (ids[i] != s_tokenizer.Value.EosTokenId) continue;
            yield return s_tokenizer.Value.Decode(ids.AsSpan(start..i));
            start = i + 1;
        }
        Assert.Equal(ids.Length, start);
    }

    private sealed class Told(Action report) : IProgress<PreparationProgress>
    {
        public void Report(PreparationProgress value) => report();
    }
}
