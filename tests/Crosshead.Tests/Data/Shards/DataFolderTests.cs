using System.Text;
using System.Text.Json.Nodes;
using Crosshead.Data.Batches;
using Crosshead.Data.Shards;
using Crosshead.Data.Sources;
using Crosshead.Files;
using static Crosshead.Tests.Data.Shards.PreparedData;

namespace Crosshead.Tests.Data.Shards;

/// <summary>A data folder that is refused, shared, damaged, or cut while it is in use.</summary>
public sealed class DataFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DataFolderTests() => WriteCorpus(_folder, 300);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_refused_preparation_is_not_in_the_way_of_the_corrected_one()
    {
        Assert.Contains("there is no field \"body\"",
            Refused(_folder, "out", new() { Source = new() { Field = "body" } }));
        Assert.False(Directory.Exists(_folder.File("out")));
        Directory.CreateDirectory(_folder.File("mine"));
        File.WriteAllText(_folder.File("mine/note"), "");
        Refused(_folder, "mine", new() { Source = new() { Field = "body" } });
        Assert.Equal(["note"], Names(_folder.File("mine")));
        Assert.Equal(300, DataPreparation.Run([_folder.File("in.jsonl")], Small, _folder.File("mine"),
            new()) is var manifest ? manifest.Train.Documents + manifest.HeldOut.Documents : 0);
    }

    [Fact]
    public void Nothing_is_left_where_a_later_row_or_file_is_bad()
    {
        File.AppendAllText(_folder.File("in.jsonl"), "{\"text\":");
        Assert.Contains("line 301: the row is not valid JSON", Refused(_folder, "out", new() { ShardTokens = 500 }));
        Assert.False(Directory.Exists(_folder.File("out")));
        File.WriteAllBytes(_folder.File("b.bin"), [.. Encoding.UTF8.GetBytes(new string('a', 200_000)), 0]);
        Assert.Contains("is not text: byte 200000 is NUL", Assert.Throws<CrossheadException>(
            () => DataPreparation.Run([_folder.File("b.bin")], Small, _folder.File("out"), new())).Message);
        Assert.False(Directory.Exists(_folder.File("out")));
    }

    [Fact]
    public void An_input_that_cannot_be_read_at_all_does_not_cost_the_data_that_were_there()
    {
        DataPreparation.Run([_folder.File("in.jsonl")], Small, _folder.File("out"), new());
        var before = Contents(_folder.File("out"));
        Refused(_folder, "out", new() { Overwrite = true, Source = new() { Field = "body" } });
        Assert.Equal(before, Contents(_folder.File("out")));
    }

    [Fact]
    public void A_folder_that_another_writes_is_refused_and_stays_as_it_is()
    {
        using (FolderLock.Take(_folder.File("out")))
            Assert.Contains("is being written by another run; wait for its end or stop it",
                Refused(_folder, "out", new()));
        Assert.False(Directory.Exists(_folder.File("out")));
    }

    [Theory]
    [InlineData("/train/shards/0", "null", "a list in it holds null")]
    [InlineData("/train/shards", "[null]", "a list in it holds null")]
    [InlineData("/request/sources", "[null]", "a list in it holds null")]
    [InlineData("/train/shards", "null", "cannot read")]
    [InlineData("/train", "null", "cannot read")]
    [InlineData("/train/shards/0/file", "null", "cannot read")]
    [InlineData("/train/shards/0/file", "\"a\\u0000b\"", "\"a\\u0000b\" is no plain file name")]
    [InlineData("/train/shards/0/file", "\"..\"", "\"..\" is no plain file name")]
    [InlineData("/train/shards/0/file", "\"\"", "\"\" is no plain file name")]
    [InlineData("/train/shards/0/file", "\"/etc/passwd\"", "\"/etc/passwd\" is no plain file name")]
    [InlineData("/train/shards/0/file", "\"\\ud800\"", "cannot read")]
    [InlineData("/train/shards/0/tokens", "-1", "has -1 tokens")]
    [InlineData("/train/shards/0/tokens", "4611686018427387904", "has 4611686018427387904 tokens, but 0 to")]
    [InlineData("/train/shards/0/tokens", "1e999", "cannot read")]
    [InlineData("/train/shards/0/tokens", "99999999999999999999", "cannot read")]
    [InlineData("/endTokenId", "400", "endTokenId is 400, but ids go from 0 to ")]
    [InlineData("/endTokenId", "-1", "endTokenId is -1")]
    public void A_damaged_manifest_is_refused(string place, string value, string message)
    {
        DataPreparation.Run([_folder.File("in.jsonl")], Small, _folder.File("out"), new());
        var path = _folder.File("out/manifest.json");
        var document = JsonNode.Parse(File.ReadAllText(path))!;
        var names = place.Split('/')[1..];
        var parent = names[..^1]
            .Aggregate(document, (node, name) => int.TryParse(name, out var i) ? node[i]! : node[name]!);
        if (int.TryParse(names[^1], out var index)) parent[index] = "HERE";
        else parent[names[^1]] = "HERE";
        File.WriteAllText(path, document.ToJsonString().Replace("\"HERE\"", value));
        var error = Assert.Throws<CrossheadException>(() => TokenDataset.Open(_folder.File("out"))).Message;
        Assert.Contains(message, error);
        Assert.EndsWith("prepare the data again with `Overwrite`.", error);
        Assert.DoesNotContain('\n', error);
    }

    [Theory]
    [InlineData("\"source\": 9")]
    [InlineData("\"source\": -1")]
    public void A_damaged_state_of_a_preparation_is_refused(string source)
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => DataPreparation.Run([_folder.File("in.jsonl")], Small,
            _folder.File("out"), new(), cancellation: stop.Token));
        var path = _folder.File("out/preparation.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"source\": 0", source, StringComparison.Ordinal));
        Assert.Contains("but there are 1 inputs; prepare the data again with `Overwrite`.",
            Refused(_folder, "out", new()));
    }

    [Theory]
    [InlineData("a\0b.txt")]
    [InlineData("a\0*.txt")]
    public void A_name_with_a_nul_is_refused(string input) =>
        Assert.Contains("holds a NUL", Assert.Throws<CrossheadException>(() => SourceFile.Find([input])).Message);

    [Fact]
    public void A_shard_that_is_cut_while_it_is_in_use_is_told_with_both_lengths()
    {
        var manifest = DataPreparation.Run([_folder.File("in.jsonl")], Small, _folder.File("out"),
            new() { HeldOutFraction = 0 });
        using var data = TokenDataset.Open(_folder.File("out"));
        var whole = new long[data.Train.Tokens];
        data.Train.Read(0, whole);
        Assert.Equal(Tokens(_folder.File("out"), manifest.Train).Select(t => (long)t), whole);

        var path = _folder.File("out/train-00000.bin");
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(100);
        var some = new long[10];
        data.Train.Read(40, some);
        Assert.Equal(whole[40..50], some);
        var error = Assert.Throws<CrossheadException>(() => data.Train.Read(45, some)).Message;
        Assert.Equal($"\"{path}\" was cut short while it was in use: it has 100 bytes now and had {2 * whole.Length} "
            + $"({whole.Length} tokens); put the file back or prepare the data again, then go on from the last "
            + $"checkpoint.", error);
    }
}
