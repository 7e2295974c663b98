using System.IO.Compression;
using System.Text;
using Crosshead.Data.Sources;
using Crosshead.Tests.Text.Tokenizers;
using CsCheck;
using Parquet;
using Parquet.Schema;

namespace Crosshead.Tests.Data.Sources;

public sealed class SourceTests
{
    [Fact]
    public void A_json_file_is_not_taken_for_text()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("rows.json"), """[{"text": "a"}]""");
        Assert.Contains("rename it to .jsonl",
            Assert.Throws<CrossheadException>(() => SourceFile.Find([folder.File("rows.json")])).Message);
    }

    [Fact]
    public void Paragraphs_join_to_the_text_and_end_where_documented()
    {
        using var folder = new TemporaryFolder();
        TextGen.OneOf("A line of some words, fifty bytes in all, or so.\n", "\n", " \t\n", new string('z', 900) + "\n",
            new string('é', 40_000) + "\n").Array[1, 200].Select(string.Concat).Sample(text =>
            {
                var path = folder.File(Guid.NewGuid() + ".txt");
                File.WriteAllText(path, text);
                var documents = Read([path], new() { SplitOn = TextSplit.Paragraphs });
                Assert.Equal(text.TrimEnd(), string.Concat(documents).TrimEnd());
                foreach (var document in documents.SkipLast(1))
                {
                    var bytes = Encoding.UTF8.GetByteCount(document);
                    Assert.InRange(bytes, 4096, (16 << 10) + (64 << 10));
                    Assert.True(bytes >= 16 << 10 || document.EndsWith("\n\n") || document.EndsWith("\n \t\n"),
                        $"a document of {bytes} bytes ends inside a paragraph");
                }
                File.Delete(path);
            }, iter: 25, threads: 1);
    }

    [Theory]
    [InlineData("auto", "one\n<|endoftext|>\ntwo\n\nthree\n", "one\n#two\n\nthree\n")]
    [InlineData("auto", "<|endoftext|>\r\none<|endoftext|>\n", "one<|endoftext|>\n")]
    [InlineData("auto", "one\n\ftwo\f\n  \fthree", "one\n#two#three")]
    [InlineData("auto", "one\n\ntwo\n", "one\n\ntwo\n")]
    [InlineData("paragraphs", "one\n<|endoftext|>\ntwo\f\n", "one\n<|endoftext|>\ntwo\f\n")]
    [InlineData("file", "one\n<|endoftext|>\n\ftwo", "one\n<|endoftext|>\n\ftwo")]
    [InlineData("---", "---\none\n--- \n---\ntwo\r\n---\r\n", "one\n--- \n#two\r\n")]
    [InlineData("file", "\uFEFFone", "one")]
    public void Text_is_split_as_asked(string splitOn, string text, string documents)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.txt"), text);
        Assert.Equal(documents.Split('#'), Read([folder.File("a.txt")], new() { SplitOn = TextSplit.Parse(splitOn) }));
    }

    [Fact]
    public void A_split_is_written_as_it_is_read()
    {
        foreach (var split in new[] { "auto", "paragraphs", "file", "<|endoftext|>" })
            Assert.Equal(split, TextSplit.Parse(split).ToString());
        Assert.Contains("splitOn (\"\")", Assert.Throws<CrossheadException>(() => TextSplit.Parse("")).Message);
    }

    [Theory]
    [InlineData("a.txt")]
    [InlineData("a.jsonl")]
    public void Compressed_files_read_as_the_plain_one(string name)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(2);
        var rows = Enumerable.Range(0, 20_000)
            .Select(i => $"{{\"id\":{i},\"text\":\"row {random.Next()}\"}}\n\n").ToArray();
        var content = Encoding.UTF8.GetBytes(string.Concat(rows));
        File.WriteAllBytes(folder.File(name), content);
        // two members
        File.WriteAllBytes(folder.File(name + ".gz"), [.. Gzip(content[..300_000]), .. Gzip(content[300_000..])]);
        File.WriteAllBytes(folder.File(name + ".zst"), Zstandard(content));
        var plain = Read([folder.File(name)]);
        Assert.True(plain.Count > 100);
        Assert.Equal(plain, Read([folder.File(name + ".gz")]));
        Assert.Equal(plain, Read([folder.File(name + ".zst")]));
    }

    [Fact]
    public void Rows_give_their_field_and_blank_ones_are_left_out()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.jsonl"), "{\"text\":\"a\\n\\u00e9\",\"meta\":{\"text\":\"inner\"}}\n\n"
            + "{\"meta\":[1,{\"body\":2}],\"body\":\"B\",\"text\":\"b\"}\r\n{\"text\":\" \"}\n{\"text\":\"c\"}");
        Assert.Equal(["a\né", "b", "c"], Read([folder.File("a.jsonl")]));
    }

    [Theory]
    [InlineData("{\"text\":\"a\"}\n{\"text\":", "a.jsonl, line 2: the row is not valid JSON")]
    [InlineData("{\"text\":\"a\"} {}", "line 1: the row is not valid JSON")]
    [InlineData("\n\n[1]", "line 3: the row is a JSON array, but an object with a field \"text\" is expected")]
    [InlineData("{\"text\":5}", "line 1: field \"text\" is a JSON number, but a string is expected")]
    [InlineData("{\"txt\":\"a\",\"id\":1}",
        "line 1: there is no field \"text\"; did you mean \"txt\"? known: txt, id.")]
    public void A_bad_row_is_named_with_its_line(string content, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.jsonl"), content);
        Refused([folder.File("a.jsonl")], message);
    }

    [Fact]
    public async Task Parquet_gives_a_column_of_strings()
    {
        using var folder = new TemporaryFolder();
        await WriteParquet(folder.File("a.parquet"), [["a", null, " "], ["b", "é"]]);
        Assert.Equal(["a", "b", "é"], Read([folder.File("a.parquet")], new() { Field = "body" }));
        Refused([folder.File("a.parquet")], "there is no column \"text\"; known: id, body.");
        Refused([folder.File("a.parquet")],
            "column \"id\" holds int32, but strings are expected; columns of strings: body.", new() { Field = "id" });
        var whole = File.ReadAllBytes(folder.File("a.parquet"));
        foreach (var length in new[] { 3, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(folder.File("b.parquet"), whole[..length]);
            Refused([folder.File("b.parquet")], "b.parquet is not a whole Parquet file", new() { Field = "body" });
        }
        File.WriteAllBytes(folder.File("a.parquet.gz"), Gzip(whole));
        Refused([folder.File("a.parquet.gz")], "is a compressed Parquet file");
    }

    [Fact]
    public void A_truncated_compressed_file_is_refused_wherever_it_ends()
    {
        using var folder = new TemporaryFolder();
        var content = Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Range(0, 3000).Select(i => $"line {i * 7919 % 1009}\n")));
        foreach (var (name, whole) in new[] { ("a.txt.gz", Gzip(content)), ("a.txt.zst", Zstandard(content)) })
        {
            for (var length = 1; length < whole.Length; length += Math.Max(1, whole.Length / 40))
            {
                File.WriteAllBytes(folder.File(name), whole[..length]);
                Refused([folder.File(name)], $"{name} is damaged or truncated");
            }
            for (var cut = 1; cut <= 9; cut++)
            {
                File.WriteAllBytes(folder.File(name), whole[..^cut]);
                Refused([folder.File(name)], $"{name} is damaged or truncated");
            }
            File.WriteAllBytes(folder.File(name), content);
            Refused([folder.File(name)], $"{name} is damaged or truncated");
        }
    }

    [Theory]
    [InlineData("good\nab\0c", "is not text: byte 7 is NUL")]
    [InlineData("good\nab\u00e9\u0080", "is not UTF-8 text: byte 7 is 0xE9")]
    [InlineData("good\n\u00c3", "is not UTF-8 text: byte 5 is 0xC3")]
    [InlineData("\u00ff\u00fea\0", "is UTF-16 text")]
    [InlineData("PAR1\0\0", "is not text: byte 4 is NUL")]
    public void Binary_files_are_refused_with_the_place(string latin1, string message)
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "a.txt", "b.jsonl" })
        {
            File.WriteAllBytes(folder.File(name),
                Encoding.Latin1.GetBytes(name == "b.jsonl" ? latin1.Replace("good\n", "    \n") : latin1));
            Refused([folder.File(name)], $"{name} {message}");
        }
    }

    [Fact]
    public void A_character_across_pieces_of_a_long_line_stays_whole()
    {
        using var folder = new TemporaryFolder();
        for (var shift = 0; shift < 4; shift++)
        {
            var text = new string('a', (64 << 10) - shift) + "\U0001F600" + new string('é', 100_000);
            File.WriteAllText(folder.File("a.txt"), text);
            Assert.Equal(text, string.Concat(Read([folder.File("a.txt")])));
        }
    }

    [Fact]
    public void Missing_and_empty_inputs_are_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.bin"), "x");
        File.WriteAllText(folder.File("empty.txt"), "");
        Refused([], "no input was given");
        Refused([folder.File("nothing.txt")], "nothing.txt does not exist");
        Refused([folder.File("empty.txt")], "empty.txt is empty (0 bytes)");
        Refused([folder.File("*.json")], "*.json matches no file");
        Refused([folder.File("none/*.json")], "none/*.json matches no file");
        File.Delete(folder.File("empty.txt"));
        Refused([folder.Path], "has no .txt, .md, .jsonl or .parquet file");
        Refused([folder.File("a.bin")], "field (\"\")", new() { Field = "" });
    }

    [Fact]
    public void Folders_and_patterns_give_their_files_in_order_and_none_twice()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "b.txt", "a.md", "c.bin", "sub/d.jsonl.gz", "sub/deep/e.txt", "B.text.zst" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(name))!);
            File.WriteAllText(folder.File(name), "x");
        }
        string Found(params string[] inputs) => string.Join(' ', SourceFile.Find([.. inputs.Select(folder.File)])
            .Select(file => Path.GetRelativePath(folder.Path, file.Path).Replace('\\', '/')));
        Assert.Equal("B.text.zst a.md b.txt sub/d.jsonl.gz sub/deep/e.txt", Found(""));
        Assert.Equal("c.bin b.txt", Found("c.bin", "b.txt", "c.bin", "?.txt"));
        Assert.Equal("b.txt sub/deep/e.txt", Found("**/*.txt"));
        Assert.Equal("sub/deep/e.txt", Found("sub/*/*.txt"));
        Assert.Equal("b.txt", Found("*.txt"));
        Assert.Equal([SourceFormat.Text, SourceFormat.Text, SourceFormat.Text, SourceFormat.JsonLines,
            SourceFormat.Text], SourceFile.Find([folder.Path]).Select(f => f.Format));
        Assert.Equal([SourceCompression.Zstandard, SourceCompression.Gzip],
            SourceFile.Find([folder.Path]).Select(f => f.Compression).Where(c => c != SourceCompression.None));
    }

    [Fact]
    public void Reading_can_begin_at_any_document()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.txt"), "1\n\f2\n\f3\n");
        File.WriteAllText(folder.File("b.txt"), "4\n\f5\n");
        var reader = new DocumentReader([folder.Path], new());
        var all = reader.Read().ToList();
        Assert.Equal([(0, 0L), (0, 1L), (0, 2L), (1, 0L), (1, 1L)], all.Select(d => (d.Source, d.Index)));
        Assert.Equal(reader.TotalBytes, reader.BytesRead);
        for (var i = 0; i < all.Count; i++)
            Assert.Equal(all.Skip(i), reader.Read(all[i].Source, all[i].Index));
        Assert.Equal(all.Skip(3), reader.Read(0, 3));
    }

    [Fact]
    public void A_large_file_is_read_in_little_memory()
    {
        using var folder = new TemporaryFolder();
        using (var gzip = new GZipStream(File.Create(folder.File("a.txt.gz")), CompressionLevel.Fastest))
            for (var i = 0; i < 40_000; i++)
                gzip.Write(Encoding.UTF8.GetBytes($"{i} {new string('w', 1000)}\n"));
        var largest = new DocumentReader([folder.Path], new()).Read().Max(document => document.Text.Length);
        Assert.InRange(largest, 4096, 20_000); // of 40 MB
    }

    private static List<string> Read(string[] inputs, SourceOptions? options = null) =>
        [.. new DocumentReader(inputs, options ?? new()).Read().Select(document => document.Text)];

    private static void Refused(string[] inputs, string message, SourceOptions? options = null)
    {
        var error = Assert.Throws<CrossheadException>(() => Read(inputs, options)).Message;
        Assert.Contains(message, error);
        Assert.DoesNotContain('\n', error);
    }

    private static byte[] Gzip(byte[] content)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal))
            gzip.Write(content);
        return stream.ToArray();
    }

    private static byte[] Zstandard(byte[] content)
    {
        using var compressor = new ZstdSharp.Compressor();
        return compressor.Wrap(content).ToArray();
    }

    private static async Task WriteParquet(string path, string?[][] groups)
    {
        var (id, body) = (new DataField<int>("id"), new DataField<string>("body"));
        await using var stream = File.Create(path);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(id, body), stream);
        foreach (var group in groups)
        {
            using var row = writer.CreateRowGroup();
            await row.WriteAsync<int>(id, Enumerable.Range(0, group.Length).ToArray());
            await row.WriteAsync(body, group!);
        }
    }
}
