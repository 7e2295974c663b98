using System.IO.Compression;
using System.Text;
using Crosshead.Data.Shards;
using Crosshead.Data.Sources;
using static Crosshead.Tests.Data.Shards.PreparedData;

namespace Crosshead.Tests.Data.Sources;

/// <summary>
/// Sources that are unusual and valid give the shards of the plain text; what is not whole is refused.
/// </summary>
public sealed class UnusualSourceTests : IDisposable
{
    private static readonly byte[] EmptyMember = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _plain;
    private readonly string _expected;

    public UnusualSourceTests()
    {
        _plain = Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Range(0, 400).Select(i => $"the cat {i} sat on the mat\n\f")));
        _expected = Shards("plain.txt", _plain);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(512)]
    [InlineData(200_000)]
    public void Zeros_after_a_gzip_member_are_padding(int zeros)
    {
        Assert.Equal(_expected, Shards("end.txt.gz", [.. Gzip(_plain), .. new byte[zeros]]));
        Assert.Equal(_expected, Shards("between.txt.gz",
            [.. Gzip(_plain[..5000]), .. new byte[zeros], .. Gzip(_plain[5000..]), .. new byte[zeros]]));
        Assert.Equal(_expected, Shards("empty.txt.gz", [.. EmptyMember, .. new byte[zeros], .. Gzip(_plain)]));
    }

    [Fact]
    public void A_gzip_member_that_is_cut_is_refused_whatever_zeros_follow()
    {
        var whole = Gzip(_plain);
        for (var cut = 1; cut <= 12; cut++)
            foreach (var zeros in new[] { 0, 1, 512 })
            {
                if (whole[^cut..].All(b => b == 0) && zeros >= cut) continue; // the file is whole then
                Assert.Contains("is damaged or truncated",
                    Refused("cut.txt.gz", [.. whole[..^cut], .. new byte[zeros]]));
            }
        Assert.Contains("is damaged or truncated", Refused("more.txt.gz", [.. whole, .. "more"u8]));
        Assert.Contains("is damaged or truncated", Refused("more.txt.gz", [.. whole, 0, 0, .. "more"u8]));
    }

    [Theory]
    [InlineData(27)]
    [InlineData(28)]
    [InlineData(31)]
    public void Zstandard_with_any_window_of_the_format_is_read(int windowLog)
    {
        // A frame without the length of its contents, and one block as it is.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (byte)((windowLog - 10) << 3),
            .. BitConverter.GetBytes((_plain.Length << 3) | 1).AsSpan(0, 3), .. _plain];
        Assert.Equal(_expected, Shards("long.txt.zst", frame));
        Assert.Contains("is damaged or truncated", Refused("cut.txt.zst", frame.AsSpan(0, frame.Length - 1).ToArray()));
    }

    [Fact]
    public void Rows_whose_text_is_null_or_empty_are_left_out_and_counted()
    {
        var rows = Encoding.UTF8.GetBytes(
            "{\"text\":\"one\"}\n{\"text\":null,\"id\":1}\n\n{\"text\":\" \"}\n{\"text\":\"\"}\n{\"text\":\"two\"}\n");
        File.WriteAllBytes(_folder.File("in.jsonl"), rows);
        var manifest = DataPreparation.Run([_folder.File("in.jsonl")], Small, _folder.File("counted"),
            new() { HeldOutFraction = 0 });
        Assert.Equal((2L, 3L), (manifest.Train.Documents, manifest.RowsLeftOut));
        Assert.Equal(3, DatasetManifest.Load(_folder.File("counted")).RowsLeftOut);
        Assert.Equal(Shards("a.txt", "one\ftwo"u8), Shards("b.jsonl", rows));
        Assert.Contains("line 1: there is no field \"text\"; known: body.", Refused("c.jsonl", "{\"body\":null}"u8));
    }

    [Fact]
    public void Rows_left_out_are_counted_once_by_an_interrupted_preparation()
    {
        for (var file = 0; file < 3; file++)
            File.WriteAllLines(_folder.File($"{file}.jsonl"), Enumerable.Range(0, 200).Select(
                i => i % 4 == 0 ? "{\"text\":null}" : $"{{\"text\":\"the cat {file} {i} {new string('!', 5000)}\"}}"));
        var inputs = Enumerable.Range(0, 3).Select(i => _folder.File($"{i}.jsonl")).ToArray();
        var interruptions = 0;
        DatasetManifest? manifest = null;
        while (manifest is null)
        {
            using var stop = new CancellationTokenSource();
            try
            {
                var reports = 0;
                manifest = DataPreparation.Run(inputs, Small, _folder.File("parts"), new() { Workers = 1 },
                    new ImmediateProgress(_ => { if (++reports == 2) stop.Cancel(); }), stop.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.True(++interruptions < 100);
            }
        }
        Assert.True(interruptions > 1);
        Assert.Equal((450L, 150L), (manifest.Train.Documents + manifest.HeldOut.Documents, manifest.RowsLeftOut));
    }

    [Theory]
    [InlineData("\\ud800", "\uFFFD")]
    [InlineData("\\udc00", "\uFFFD")]
    [InlineData("a\\ud83d", "a\uFFFD")]
    [InlineData("\\ud83d\\ude00", "😀")]
    [InlineData("\\\\ud800", "\\ud800")]
    public void Half_a_surrogate_pair_is_read_as_the_replacement_character(string escaped, string text)
    {
        File.WriteAllText(_folder.File("half.jsonl"), $"{{\"{escaped}\":1,\"text\":\"x{escaped}y\"}}\n");
        Assert.Equal([$"x{text}y"], new DocumentReader([_folder.File("half.jsonl")], new()).Read().Select(d => d.Text));
    }

    [Theory]
    [InlineData(65)]
    [InlineData(100_000)]
    public void What_stands_beside_the_text_may_be_nested_as_deep_as_it_likes(int depth)
    {
        File.WriteAllText(_folder.File("deep.jsonl"),
            $"{{\"tree\":{new string('[', depth)}{new string(']', depth)},\"text\":\"one\"}}\n");
        Assert.Equal(["one"], new DocumentReader([_folder.File("deep.jsonl")], new()).Read().Select(d => d.Text));
        Assert.Contains("line 1: the row is not valid JSON",
            Refused("open.jsonl", Encoding.UTF8.GetBytes($"{{\"tree\":{new string('[', depth)},\"text\":\"one\"}}")));
    }

    private string Shards(string name, ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(_folder.File(name), content);
        var folder = _folder.File("shards of " + name);
        DataPreparation.Run([_folder.File(name)], Small, folder, new() { Overwrite = true });
        return string.Join('\n', Contents(folder).Where(
            file => file.Key.EndsWith(".bin", StringComparison.Ordinal)).Select(file => $"{file.Key} {file.Value}"));
    }

    private string Refused(string name, ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(_folder.File(name), content);
        var folder = _folder.File("refused");
        var message = Assert.Throws<CrossheadException>(
            () => DataPreparation.Run([_folder.File(name)], Small, folder, new())).Message;
        Assert.False(Directory.Exists(folder));
        return message;
    }

    private static byte[] Gzip(byte[] content)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Optimal))
            gzip.Write(content);
        return stream.ToArray();
    }
}
