using Crosshead.Data.Sources;
using ParquetSharp;
using Codec = ParquetSharp.Compression;
using ParquetFile = Crosshead.Data.Sources.ParquetFile;

namespace Crosshead.Tests.Data.Sources;

/// <summary>Parquet files of other kinds than the usual, and damaged ones.</summary>
public sealed class ParquetTests : IDisposable
{
    private static readonly string?[] Texts = ["one", null, "two é😀", " ", "{\"a\":1}"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Codec.Uncompressed)]
    [InlineData(Codec.Snappy)]
    [InlineData(Codec.Gzip)]
    [InlineData(Codec.Brotli)]
    [InlineData(Codec.Zstd)]
    [InlineData(Codec.Lz4)]
    [InlineData(Codec.Lz4Hadoop)]
    public void Every_codec_gives_the_texts(Codec codec)
    {
        Write("a.parquet", Texts, LogicalType.String(), codec);
        Assert.Equal(["one", "two é😀", "{\"a\":1}"], Read("a.parquet"));
    }

    [Fact]
    public void A_column_of_json_is_text_and_one_of_bytes_is_not()
    {
        Write("json.parquet", Texts, LogicalType.Json());
        Assert.Equal(["one", "two é😀", "{\"a\":1}"], Read("json.parquet"));
        Write("bytes.parquet", Texts.Select(t => t is null ? null : System.Text.Encoding.UTF8.GetBytes(t)).ToArray(),
            LogicalType.None());
        Assert.Contains("column \"text\" holds bytes, but strings are expected; columns of strings: none.",
            Refused("bytes.parquet"));
    }

    [Fact]
    public void A_row_group_is_read_a_few_rows_at_a_time()
    {
        Write("a.parquet", Enumerable.Range(0, 1000).Select(i => $"row {i}").ToArray(), LogicalType.String());
        using var file = ParquetFile.Open(_folder.File("a.parquet"));
        Assert.Equal(1000, file.Rows);
        Assert.Equal([.. Enumerable.Repeat(128, 7), 104],
            file.Read((_, row) => row, "text").Select(rows => rows.Length));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"row {i}"), Read("a.parquet"));
    }

    [Fact]
    public void Names_with_dots_and_nested_columns_are_told_apart()
    {
        using (var writer = new ParquetFileWriter(_folder.File("a.parquet"),
            [new Column<int>("id"), new Column<string[]>("list"), new Column<string>("a.b")]))
        {
            using var group = writer.AppendRowGroup();
            using (var id = group.NextColumn().LogicalWriter<int>()) id.WriteBatch([1, 2]);
            using (var list = group.NextColumn().LogicalWriter<string[]>()) list.WriteBatch([["x"], []]);
            using (var text = group.NextColumn().LogicalWriter<string>()) text.WriteBatch(["one", "two"]);
            writer.Close();
        }
        Assert.Equal(["one", "two"], Read("a.parquet", "a.b"));
        Assert.Contains("column \"list\" holds list, but strings are expected; columns of strings: a.b.",
            Refused("a.parquet", "list"));
        Assert.Contains("there is no column \"list.list.element\"", Refused("a.parquet", "list.list.element"));
    }

    [Fact]
    public void A_codec_that_is_not_supported_is_named_and_the_file_not_called_damaged()
    {
        Write("a.parquet", Texts, LogicalType.String(), Codec.Zstd);
        var whole = File.ReadAllBytes(_folder.File("a.parquet"));
        var refusals = new List<string>();
        for (var at = whole.Length / 3; at < whole.Length - 1; at++)
        {
            // a number in the footer that is the codec's, 6 for zstd, 3 for LZO
            if (whole[at] != 0x15 || whole[at + 1] != 2 * 6) continue;
            var changed = (byte[])whole.Clone();
            changed[at + 1] = 2 * 3;
            File.WriteAllBytes(_folder.File("lzo.parquet"), changed);
            if (Refusal(() => Read("lzo.parquet")) is { } refusal) refusals.Add(refusal);
        }
        Assert.Contains(refusals, r => r.Contains("LZO", StringComparison.Ordinal) && r.Contains("not supported",
            StringComparison.Ordinal) && !r.Contains("damaged", StringComparison.Ordinal));
    }

    [Fact]
    public void Whatever_bytes_are_changed_the_file_is_read_or_refused_in_one_line()
    {
        Write("a.parquet", Texts, LogicalType.String(), Codec.Zstd);
        var whole = File.ReadAllBytes(_folder.File("a.parquet"));
        var random = new Random(1);
        var refused = 0;
        for (var round = 0; round < 400; round++)
        {
            var changed = (byte[])whole.Clone();
            for (var i = random.Next(1, 4); i > 0; i--) changed[random.Next(changed.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_folder.File("b.parquet"), changed);
            if (Refusal(() => Read("b.parquet")) is not { } refusal) continue;
            Assert.Contains("b.parquet", refusal);
            Assert.DoesNotContain('\n', refusal);
            refused++;
        }
        Assert.InRange(refused, 200, 400);
    }

    private static string? Refusal(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (CrossheadException e)
        {
            return e.Message;
        }
    }

    private List<string> Read(string name, string field = "text") =>
        [.. new DocumentReader([_folder.File(name)], new() { Field = field }).Read().Select(d => d.Text)];

    private string Refused(string name, string field = "text") =>
        Assert.Throws<CrossheadException>(() => Read(name, field)).Message;

    private void Write<T>(string name, T[] texts, LogicalType type, Codec codec = Codec.Snappy)
    {
        using var properties = new WriterPropertiesBuilder().Compression(codec).Build();
        using var writer = new ParquetFileWriter(_folder.File(name), [new Column<T>("text", type)], properties);
        using var group = writer.AppendRowGroup();
        using (var column = group.NextColumn().LogicalWriter<T>()) column.WriteBatch(texts);
        writer.Close();
    }
}
