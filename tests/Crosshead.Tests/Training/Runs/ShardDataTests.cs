using Crosshead.Data.Shards;
using Crosshead.Tests.Data.Shards;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

/// <summary>Batches from prepared folders: several together, and sequences that begin with the begin token.</summary>
public sealed class ShardDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Several_folders_are_one_in_proportion_to_their_tokens_and_go_on_exactly()
    {
        var (a, b) = (Prepare("a", 40), Prepare("b", 90));
        var expected = PreparedData.Tokens(a, DatasetManifest.Load(a).Train)
            .Concat(PreparedData.Tokens(b, DatasetManifest.Load(b).Train)).ToArray();
        var recipe = Recipe(a, b);
        using var data = ShardData.Open(recipe);
        var windows = (expected.Length - 1) / recipe.Context;
        var seen = Enumerable.Range(0, windows).SelectMany(_ => Targets(data)).Order().ToArray();
        // every target once an epoch
        Assert.Equal(expected.Skip(1).Take(windows * recipe.Context).Select(t => (long)t).Order(), seen);

        var position = data.Position;
        var next = Targets(data);
        using var again = ShardData.Open(recipe);
        again.Position = position;
        Assert.Equal(next, Targets(again));
        using var alone = ShardData.Open(Recipe(a));
        Assert.NotEqual(alone.Hash, data.Hash);
        Assert.Equal(alone.TokenizerHash, data.TokenizerHash);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"x\"")]
    [InlineData("""{"Epoch":0,"Index":"x"}""")]
    [InlineData("""{"Epoch":0,"Index":-1}""")]
    [InlineData("""{"Epoch":0,"Index":99999}""")]
    [InlineData("""{"Epoch":9223372036854775807,"Index":0}""")]
    public void A_place_in_the_data_that_is_none_is_refused(string place)
    {
        using var data = ShardData.Open(Recipe(Prepare("a", 40)));
        var before = data.Position.ToJsonString();
        Assert.Contains("in the data", Assert.Throws<CrossheadException>(
            () => data.Position = System.Text.Json.Nodes.JsonNode.Parse(place)!).Message);
        Assert.Equal(before, data.Position.ToJsonString());
    }

    [Fact]
    public void Folders_of_different_tokenizers_are_refused()
    {
        var other = BpeTrainer.Train(["a b c a b c", "ab ab"], new() { VocabularySize = 260 });
        var (a, b) = (Prepare("a", 40), Prepare("b", 40, other));
        Assert.Contains("was made with another tokenizer",
            Assert.Throws<DataMismatchException>(() => ShardData.Open(Recipe(a, b))).Message);
        var both = Recipe(a, b) with { Data = new DataOptions { Folder = a, Folders = [b], Context = 16 } };
        Assert.Contains("are both set", Assert.Throws<CrossheadException>(() => ShardData.Open(both)).Message);
    }

    [Fact]
    public void Sequences_begin_with_the_begin_token_and_have_the_same_targets()
    {
        var folder = Prepare("a", 40);
        var recipe =
            Recipe(folder) with { Data = new DataOptions { Folder = folder, Context = 16, BeginToken = true } };
        Assert.Contains("has no begin token", Assert.Throws<CrossheadException>(() => ShardData.Open(recipe)).Message);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"),
            """{ "eos_token": "<|endoftext|>", "bos_token": "!" }""");
        using var with = ShardData.Open(recipe);
        using var without = ShardData.Open(Recipe(folder));
        using var scope = NewDisposeScope();
        using TokenBatch first = with.Next(CPU), plain = without.Next(CPU);
        Assert.Equal(plain.Targets.data<long>().ToArray(), first.Targets.data<long>().ToArray());
        Assert.Equal([with.BeginToken!.Value, .. plain.Tokens.data<long>().ToArray()[1..]],
            first.Tokens.data<long>().ToArray());
        using var heldOut = with.HeldOut(1, CPU).First();
        Assert.Equal(with.BeginToken!.Value, heldOut.Tokens.data<long>()[0]);
    }

    [Theory]
    [InlineData(0, 0, "hold no held-out text")]
    [InlineData(1, 0, "hold no held-out text")]
    [InlineData(2, 1,
        "has 2 tokens, not more than a sequence (16): the held-out loss is that of its 1 predictions alone")]
    [InlineData(16, 15, "its 15 predictions")]
    [InlineData(17, 16, null)]
    [InlineData(40, 32, null)]
    public void A_held_out_text_shorter_than_a_sequence_is_one_window_and_told(int tokens,
        int predictions, string? told)
    {
        var folder = Prepare("a", 40);
        var manifest = DatasetManifest.Load(folder);
        var all = PreparedData.Tokens(folder, manifest.HeldOut);
        var cut = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "manifest.json")))!;
        var shard = cut["heldOut"]!["shards"]![0]!;
        if (tokens == 0) cut["heldOut"]!["shards"]!.AsArray().Clear();
        else
        {
            shard["tokens"] = tokens;
            File.WriteAllBytes(Path.Combine(folder, (string)shard["file"]!),
                File.ReadAllBytes(Path.Combine(folder, (string)shard["file"]!))[..(tokens * 2)]);
        }
        File.WriteAllText(Path.Combine(folder, "manifest.json"), cut.ToJsonString());

        using var data = ShardData.Open(Recipe(folder));
        using var scope = NewDisposeScope();
        var targets = data.HeldOut(10, CPU).SelectMany(b => b.Targets.data<long>().ToArray()).ToArray();
        Assert.Equal(all.Skip(1).Take(predictions).Select(t => (long)t), targets);
        if (told is null) Assert.Null(data.HeldOutRemark);
        else Assert.Contains(told, data.HeldOutRemark);
    }

    private static long[] Targets(ShardData data)
    {
        using var scope = NewDisposeScope();
        using var batch = data.Next(CPU);
        return batch.Targets.data<long>().ToArray();
    }

    private static Recipe Recipe(params string[] folders) =>
        TinyRun.Change(t => t with { Batch = 1 }) with { Data = new DataOptions { Folders = folders, Context = 16 } };

    private string Prepare(string name, int documents, Tokenizer? tokenizer = null)
    {
        PreparedData.WriteCorpus(_folder, documents);
        DataPreparation.Run([_folder.File("in.jsonl")], tokenizer ?? PreparedData.Small, _folder.File(name),
            new DataPreparationOptions { HeldOutFraction = 0.2 });
        return _folder.File(name);
    }
}
