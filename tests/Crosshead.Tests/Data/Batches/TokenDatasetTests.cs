using System.Runtime.InteropServices;
using Crosshead.Data.Batches;
using Crosshead.Data.Shards;
using CsCheck;

namespace Crosshead.Tests.Data.Batches;

public sealed class TokenDatasetTests
{
    [Theory]
    [InlineData(300)]
    [InlineData(70_000)]
    public void Mapped_shards_read_as_one_row_of_tokens(int vocabulary)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        int[][] shards = [.. new[] { 10, 1, 5, 40 }
            .Select(n => Enumerable.Range(0, n).Select(_ => random.Next(vocabulary)).ToArray())];
        Write(folder, vocabulary, shards, [[1, 2, 3]]);
        using var data = TokenDataset.Open(folder.Path);
        int[] all = [.. shards.SelectMany(s => s)];
        Assert.Equal((56L, 3L), (data.Train.Tokens, data.HeldOut.Tokens));
        Gen.Int[0, 56].SelectMany(start => Gen.Int[0, 56 - start].Select(count => (start, count)))
            .Sample((start, count) =>
            {
                var read = new long[count];
                data.Train.Read(start, read);
                Assert.Equal(all[start..(start + count)].Select(t => (long)t), read);
            }, iter: 500);
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Train.Read(50, new long[7]));
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Train.Read(-1, new long[1]));
    }

    [Theory]
    [InlineData(-2, "truncated")]
    [InlineData(2, "not the one described")]
    public void A_shard_of_another_length_is_refused(int change, string reason)
    {
        using var folder = new TemporaryFolder();
        Write(folder, 300, [[1, 2, 3, 4]], []);
        using (var file = File.OpenWrite(folder.File("train-00000.bin"))) file.SetLength(8 + change);
        var error = Assert.Throws<CrossheadException>(() => TokenDataset.Open(folder.Path)).Message;
        Assert.Contains($"has {8 + change} bytes; its manifest says 8 (4 tokens)", error);
        Assert.Contains(reason, error);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        using var folder = new TemporaryFolder();
        Write(folder, 300, [[1, 2], [3, 4]], []);
        File.Delete(folder.File("train-00001.bin"));
        Assert.Contains("train-00001.bin\" does not exist",
            Assert.Throws<CrossheadException>(() => TokenDataset.Open(folder.Path)).Message);
    }

    [Fact]
    public void A_token_beyond_the_vocabulary_is_named_with_its_place()
    {
        using var folder = new TemporaryFolder();
        Write(folder, 300, [[1, 2], [3, 299, 300]], []);
        using var data = TokenDataset.Open(folder.Path);
        data.Train.Read(0, new long[4]);
        var error = Assert.Throws<CrossheadException>(() => data.Train.Read(1, new long[4])).Message;
        Assert.Contains("train-00001.bin\" has token 300 at position 2; the vocabulary has 300, ids 0 to 299", error);
        using var memory = new TokenDataset([-1], [], 5, "");
        Assert.Contains("token -1 at position 0",
            Assert.Throws<CrossheadException>(() => memory.Train.Read(0, new long[1])).Message);
    }

    [Fact]
    public void A_folder_without_a_manifest_says_how_to_make_one()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("`DataPreparation`",
            Assert.Throws<CrossheadException>(() => TokenDataset.Open(folder.Path)).Message);
    }

    [Theory]
    [InlineData("", "cannot read")]
    [InlineData("{", "cannot read")]
    [InlineData("null", "cannot read")]
    [InlineData("{}", "it lacks \"version\"")]
    [InlineData("\"version\": 1>\"version\": 2", "has version 2, but version 1 is read")]
    [InlineData("\"uint16\">\"uint8\"", "dtype \"uint8\"")]
    [InlineData("\"uint16\">1", "cannot read")]
    [InlineData("\"vocabularySize\": 300>\"vocabularySize\": 0", "vocabularySize is 0")]
    [InlineData("\"vocabularySize\": 300>\"vocabularySize\": 65537", "do not fit")]
    [InlineData("\"tokens\": 2>\"tokens\": -2", "has -2 tokens")]
    [InlineData("\"file\": \"train-00000.bin\">\"file\": \"../train.bin\"", "no plain file name")]
    [InlineData("\"file\": \"train-00000.bin\">\"file\": null", "cannot read")]
    [InlineData("\"shards\": [>\"shards\": null, \"x\": [", "cannot read")]
    public void A_corrupt_manifest_is_refused_in_one_line(string change, string reason)
    {
        using var folder = new TemporaryFolder();
        Write(folder, 300, [[1, 2]], []);
        var path = folder.File(DatasetManifest.FileName);
        var text = File.ReadAllText(path);
        var parts = change.Split('>');
        if (parts.Length == 2) Assert.Contains(parts[0], text);
        File.WriteAllText(path, parts.Length == 2 ? text.Replace(parts[0], parts[1]) : change);
        var error = Assert.Throws<CrossheadException>(() => TokenDataset.Open(folder.Path)).Message;
        Assert.Contains(reason, error);
        Assert.Contains("manifest.json", error);
        Assert.DoesNotContain('\n', error);
    }

    [Fact]
    public void A_model_of_another_vocabulary_and_another_tokenizer_are_refused()
    {
        using var data = new TokenDataset([1], [], 300, "aaaa");
        data.EnsureCompatible(300);
        data.EnsureTokenizer("aaaa");
        Assert.Contains("vocabulary (299) is smaller than the tokenizer's (300)",
            Assert.Throws<CrossheadException>(() => data.EnsureCompatible(299)).Message);
        Assert.Contains("vocabulary (301) is larger than the tokenizer's (300)",
            Assert.Throws<CrossheadException>(() => data.EnsureCompatible(301)).Message);
        var error = Assert.Throws<DataMismatchException>(() => data.EnsureTokenizer("bbbb")).Message;
        Assert.Contains("aaaa", error);
        Assert.Contains("bbbb", error);
    }

    private static void Write(TemporaryFolder folder, int vocabulary, int[][] train, int[][] heldOut) =>
        DataJson.Write(folder.File(DatasetManifest.FileName), new DatasetManifest
        {
            Version = DatasetManifest.CurrentVersion,
            Crosshead = "test",
            VocabularySize = vocabulary,
            EndTokenId = 0,
            Dtype = vocabulary <= 65536 ? "uint16" : "uint32",
            Request = new PreparationRequest
            {
                TokenizerSha256 = "hash",
                Field = "text",
                SplitOn = "auto",
                HeldOutFraction = 0.1,
                Seed = 0,
                ShardTokens = 100,
                Sources = [],
            },
            Train = Split(folder, vocabulary, "train", train),
            HeldOut = Split(folder, vocabulary, "heldout", heldOut),
        });

    private static SplitInfo Split(TemporaryFolder folder, int vocabulary, string name, int[][] shards) =>
        SplitInfo.Of([.. shards.Select((tokens, i) =>
        {
            var file = $"{name}-{i:00000}.bin";
            File.WriteAllBytes(folder.File(file), vocabulary <= 65536
                ? MemoryMarshal.AsBytes<ushort>([.. tokens.Select(t => (ushort)t)])
                : MemoryMarshal.AsBytes<int>(tokens));
            return new ShardInfo(file, tokens.Length, 1, tokens.Length, "");
        })]);
}
