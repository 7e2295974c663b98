using System.IO.Compression;
using System.Text;
using Crosshead.Data.Sources;
using Parquet;
using Parquet.Schema;

namespace Crosshead.Tests.Data.Sources;

public sealed class DocumentReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Text_is_cut_into_paragraph_groups_that_hold_all_of_it()
    {
        var text = string.Concat(Enumerable.Range(0, 3000).Select(i => i % 7 == 6 ? "\r\n" : $"line {i} 日本😀\n"));
        var documents = Read(Write("a.txt", text));
        Assert.Equal(text, string.Concat(documents));
        Assert.InRange(documents.Length, 5, 30);
    }

    [Fact]
    public void A_line_without_end_is_cut_between_characters()
    {
        var text = string.Concat(Enumerable.Repeat("é日😀x", 40_000));
        Assert.Equal(text, string.Concat(Read(Write("a.txt", text))));
    }

    [Theory]
    [InlineData("auto", "one\ntwo\n<|endoftext|>\nthree\n", "one\ntwo\n|three\n")]
    [InlineData("auto", "one\ftwo\n\fthree", "one|two\n|three")]
    [InlineData("auto", "one\n\ntwo\n", "one\n\ntwo\n")]
    [InlineData("---", "one\n---\r\n---\n\ntwo --- three\n---", "one\n|\ntwo --- three\n")]
    [InlineData("file", "one\ftwo\n<|endoftext|>\nthree", "one\ftwo\n<|endoftext|>\nthree")]
    [InlineData("auto", "\uFEFFone", "one")]
    public void Text_is_split_as_asked(string split, string text, string documents) =>
        Assert.Equal(documents.Split('|').Length == 0 ? [] : Parts(documents),
            Read(Write("a.txt", text), new() { SplitOn = TextSplit.Parse(split) }));

    // The end mark itself holds bars.
    private static string[] Parts(string documents) =>
        [.. documents.Replace("<|endoftext|>", "\u0001").Split('|').Select(d => d.Replace("\u0001", "<|endoftext|>"))];

    [Fact]
    public void Rows_are_read_by_the_name_of_their_field()
    {
        var path = Write("a.jsonl", "{\"id\": 1, \"body\": \"one\\n\\u00e9\", \"more\": {\"body\": \"no\"}}\r\n\n"
            + "{\"body\": \" \"}\n{\"body\": \"two 😀\"}");
        Assert.Equal(["one\né", "two 😀"], Read(path, new() { Field = "body" }));
    }

    [Theory]
    [InlineData("{\"text\": \"ok\"}\n{\"txt\": \"x\", \"id\": 3}\n",
        "line 2: there is no field \"text\"; did you mean \"txt\"? known: txt, id.")]
    [InlineData("{\"text\": \"ok\"}\n\n{\"text\": \"x\n", "line 3: the row is not valid JSON")]
    [InlineData("{\"text\": \"ok\"} {}\n", "line 1: the row is not valid JSON")]
    [InlineData("{\"text\": 7}", "line 1: field \"text\" is a JSON number, but a string is expected")]
    [InlineData("[\"text\"]", "line 1: the row is a JSON array")]
    [InlineData("hello", "line 1: the row is not valid JSON")]
    public void A_bad_row_is_named_by_file_and_line(string content, string reason)
    {
        var path = Write("a.jsonl", content);
        Assert.Contains(
            $"{path}, {(reason.StartsWith("line", StringComparison.Ordinal) ? reason : "line 1: " + reason)}",
            Refused(() => Read(path)));
    }

    [Fact]
    public async Task A_parquet_column_is_read_by_name_from_every_row_group()
    {
        var path = await WriteParquet("a.parquet");
        Assert.Equal(["one", "two é😀", "four", "one", "two é😀", "four"], Read(path, new() { Field = "body" }));
        Assert.Contains("there is no column \"bodi\"; did you mean \"body\"? known: id, body.",
            Refused(() => Read(path, new() { Field = "bodi" })));
        var error = Refused(() => Read(path, new() { Field = "id" }));
        Assert.Contains("column \"id\" holds int32", error);
        Assert.Contains("columns of strings: body", error);
    }

    [Fact]
    public async Task A_damaged_parquet_file_is_refused_in_one_line()
    {
        var whole = await File.ReadAllBytesAsync(await WriteParquet("whole.parquet"),
            TestContext.Current.CancellationToken);
        var path = _folder.File("cut.parquet");
        for (var length = 1; length < whole.Length; length += 41)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Contains("is not a whole Parquet file", Refused(() => Read(path, new() { Field = "body" })));
        }
        Array.Fill(whole, (byte)0xA5, 4, whole.Length / 3);
        File.WriteAllBytes(path, whole);
        Assert.Contains("is not a whole Parquet file", Refused(() => Read(path, new() { Field = "body" })));
        File.Move(path, path + ".gz");
        Assert.Contains("compressed Parquet", Refused(() => Read(path + ".gz")));
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void Compressed_text_is_read_and_a_truncated_file_refused_wherever_it_ends(string extension)
    {
        var text = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i * 7919 % 10007} of text\n"));
        var whole = Compress(Encoding.UTF8.GetBytes(text), extension);
        var path = _folder.File("a.txt" + extension);
        File.WriteAllBytes(path, whole);
        Assert.Equal(text, string.Concat(Read(path)));
        foreach (var length in (int[])[1, 5, 12, whole.Length / 3, whole.Length / 2, whole.Length - 9,
            whole.Length - 1])
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Contains("is damaged or truncated", Refused(() => Read(path)));
        }
        File.WriteAllText(path, "plain text, not compressed at all");
        Assert.Contains("is damaged or truncated", Refused(() => Read(path)));
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void Compressed_files_joined_end_to_end_are_read_whole(string extension)
    {
        var path = _folder.File("a.jsonl" + extension);
        File.WriteAllBytes(path, [.. Compress("{\"text\": \"one\"}\n"u8.ToArray(), extension),
            .. Compress("{\"text\": \"two\"}\n"u8.ToArray(), extension)]);
        Assert.Equal(["one", "two"], Read(path));
    }

    [Fact]
    public void Folders_and_patterns_name_their_files_in_order()
    {
        foreach (var name in (string[])["b.txt", "a.md", "c.jsonl.gz", "d.bin", "deep/e.txt", "deep/er/f.txt",
            "deep/er/g.log"])
            Write(name, "x");
        Assert.Equal(["a.md", "b.txt", "c.jsonl.gz", "deep/e.txt", "deep/er/f.txt"], Find(_folder.Path));
        Assert.Equal(["b.txt"], Find(_folder.File("*.txt")));
        Assert.Equal(["deep/e.txt", "deep/er/f.txt"], Find(_folder.File("deep/**/*.txt")));
        Assert.Equal(["deep/er/f.txt", "deep/er/g.log"], Find(_folder.File("d*p/e?/*")));
        Assert.Equal(["deep/e.txt"], Find(_folder.File("*/e.txt")));
        Assert.Equal(["b.txt", "deep/e.txt", "deep/er/f.txt"], Find(_folder.File("**/*.txt")));
        Assert.Equal(["b.txt", "a.md"], Find(_folder.File("b.txt"), _folder.File("?.md"), _folder.File("./b.txt")));
    }

    [Fact]
    public void A_pattern_reads_no_folder_that_it_does_not_name()
    {
        Write("a/x.txt", "x");
        Write("b/x.txt", "x");
        var closed = Directory.CreateDirectory(_folder.File("a/closed"));
        if (!OperatingSystem.IsWindows()) closed.UnixFileMode = UnixFileMode.None;
        Directory.CreateSymbolicLink(_folder.File("b/loop"), _folder.Path);
        Assert.Equal(["a/x.txt", "b/x.txt"], Find(_folder.File("*/x.txt")));
        Assert.Equal(["a/x.txt", "b/x.txt"], Find(_folder.File("**/x.txt")));
        Assert.Equal(["a/x.txt"], Find(_folder.File("a")));
        if (!OperatingSystem.IsWindows())
            closed.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    }

    [Fact]
    public void Inputs_that_are_not_there_are_named()
    {
        Assert.Contains("no input was given", Refused(() => SourceFile.Find([])));
        Assert.Contains("absent.txt does not exist", Refused(() => Find(_folder.File("absent.txt"))));
        Assert.Contains("*.nothing matches no file", Refused(() => Find(_folder.File("*.nothing"))));
        Assert.Contains("matches no file", Refused(() => Find(_folder.File("absent/*.txt"))));
        Assert.Contains("has no .txt", Refused(() => Find(_folder.Path)));
        Assert.Contains("is empty (0 bytes)", Refused(() => Find(Write("a.txt", ""))));
    }

    [Theory]
    [InlineData(new byte[] { 65, 66, 10, 67, 0, 68 }, "byte 4 is NUL")]
    [InlineData(new byte[] { 65, 10, 0xC3, 0x28 }, "byte 2 is 0xC3")]
    [InlineData(new byte[] { 65, 66, 0xE6, 0x97 }, "byte 2 is 0xE6")]
    [InlineData(new byte[] { 65, 0xED, 0xA0, 0x80 }, "byte 1 is 0xED")]
    [InlineData(new byte[] { 0xEF, 0xBB, 0xBF, 65, 0xFF }, "byte 4 is 0xFF")]
    [InlineData(new byte[] { 0xFF, 0xFE, 65, 0 }, "UTF-16")]
    public void What_is_not_text_is_named_with_its_place(byte[] content, string reason)
    {
        foreach (var name in (string[])["a.txt", "a.jsonl", "a.bin"])
        {
            File.WriteAllBytes(_folder.File(name), content);
            var error = Refused(() => Read(_folder.File(name)));
            if (reason.Contains("NUL") || !name.EndsWith("jsonl", StringComparison.Ordinal))
                Assert.Contains(_folder.File(name), error);
            if (!name.EndsWith("jsonl", StringComparison.Ordinal)) Assert.Contains(reason, error);
        }
    }

    [Fact]
    public void Damage_far_into_a_file_has_its_offset()
    {
        var content = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a line of é text\n", 50_000)));
        content[600_001] = 0;
        File.WriteAllBytes(_folder.File("a.txt"), content);
        Assert.Contains("byte 600001 is NUL", Refused(() => Read(_folder.File("a.txt"))));
    }

    [Fact]
    public void Reading_continues_at_any_document()
    {
        var reader = new DocumentReader([Write("a.txt", "1\f2\f3"),
            Write("b.jsonl", "{\"text\":\"4\"}\n{\"text\":\"5\"}"), Write("c.txt", "6")], new());
        var all = reader.Read().ToArray();
        Assert.Equal(["1", "2", "3", "4", "5", "6"], all.Select(d => d.Text));
        Assert.Equal(reader.TotalBytes, reader.BytesRead);
        for (var start = 0; start < all.Length; start++)
            Assert.Equal(all[start..], reader.Read(all[start].Source, all[start].Index));
    }

    private string[] Read(string path, SourceOptions? options = null) =>
        [.. new DocumentReader([path], options ?? new()).Read().Select(d => d.Text)];

    private string[] Find(params string[] inputs) =>
        [.. SourceFile.Find(inputs)
            .Select(file => Path.GetRelativePath(_folder.Path, Path.GetFullPath(file.Path)).Replace('\\', '/'))];

    private string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
        File.WriteAllText(_folder.File(name), text);
        return _folder.File(name);
    }

    private async Task<string> WriteParquet(string name)
    {
        var (id, body) = (new DataField<int>("id"), new DataField<string>("body"));
        using var stream = File.Create(_folder.File(name));
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(id, body), stream);
        for (var g = 0; g < 2; g++)
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync<int>(id, new[] { 1, 2, 3, 4 });
            await group.WriteAsync(body, new string?[] { "one", "two é😀", null, "four" });
        }
        return _folder.File(name);
    }

    private static byte[] Compress(byte[] content, string extension)
    {
        var compressed = new MemoryStream();
        using (Stream stream = extension == ".gz" ? new GZipStream(compressed, CompressionLevel.Fastest)
            : new ZstdSharp.CompressionStream(compressed))
            stream.Write(content);
        return compressed.ToArray();
    }

    private static string Refused(Action action)
    {
        var error = Assert.Throws<CrossheadException>(action).Message;
        Assert.DoesNotContain('\n', error);
        return error;
    }
}
