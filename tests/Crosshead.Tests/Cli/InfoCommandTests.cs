using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Checkpoints;
using Crosshead.Cli.Commands;
using Crosshead.Model;
using Crosshead.Tests.Checkpoints.HuggingFace;

namespace Crosshead.Tests.Cli;

/// <summary>What info says of a configuration without weights.</summary>
public sealed class InfoCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string With(string config, params (string Key, JsonNode? Value)[] changes)
    {
        var json = JsonNode.Parse(config)!;
        foreach (var (key, value) in changes) json[key] = value;
        _folder.Write("config.json", json.ToJsonString());
        return _folder.Path;
    }

    [Theory]
    [InlineData("torch_dtype", "bfloat16", 2)]
    [InlineData("dtype", "float16", 2)]
    [InlineData("dtype", "torch.float32", 4)]
    [InlineData("torch_dtype", "float64", 8)]
    [InlineData("torch_dtype", "auto", 4)]
    [InlineData("other", "bfloat16", 4)]
    public void The_precision_that_the_configuration_names_counts_where_there_are_no_weights(string key,
        string name, int bytes)
    {
        var json = CliRun.Of("info", With(FamilyConfigs.Qwen3Moe, (key, name)), "--json").Json;
        Assert.Equal(4 * 2 * 4 * 16 * bytes, (int)json["cacheBytesPerToken"]!);
        Assert.Contains("no weights here", (string?)json["dtype"]);
        Assert.StartsWith(bytes == 4 ? "float32" : name, (string?)json["dtype"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_feed_forward_size_is_that_of_layers_that_have_one()
    {
        Assert.Matches(@"feed-forward size *\| *none", CliRun.Of("info", With(FamilyConfigs.Qwen3Moe)).Out);
        Assert.Matches(@"feed-forward size *\| *112 in 1 layers",
            CliRun.Of("info", With(FamilyConfigs.Qwen3Moe, ("mlp_only_layers", new JsonArray(2)))).Out);
        Assert.Matches(@"feed-forward size *\| *112 ", CliRun.Of("info", With(FamilyConfigs.Llama)).Out);
    }

    [Fact]
    public void A_plain_model_composes_nothing_and_keeps_whole_heads()
    {
        var said = CliRun.Of("info", With(FamilyConfigs.Llama)).Out;
        Assert.Matches(@"composition *\| *none", said);
        Assert.Contains("Every layer keeps whole heads.", said);
    }

    // Without --dtype a model that is stored in bfloat16 is computed in float32, with twice the cache.
    [Theory]
    [InlineData("bfloat16")]
    [InlineData("float32")]
    public void The_bytes_of_the_cache_stand_with_their_type(string type) => Assert.Matches(
        $@"cache a token *\| *[\d.]+ \w+ in {type} \|",
        CliRun.Of("info", With(FamilyConfigs.Llama, ("torch_dtype", type))).Out);

    [Fact]
    public void A_stored_head_that_differs_from_the_embedding_is_told_and_kept()
    {
        using (var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 30,
            HiddenSize = 16,
            Layers = 1,
            Context = 12,
            Attention = new() { Heads = 4 },
        }))
        {
            model.Initialize(1);
            ModelDirectory.Save(_folder.File("model"), model);
        }
        var path = Path.Combine(_folder.File("model"), "config.json");
        File.WriteAllText(path,
            File.ReadAllText(path).Replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"));
        var info = CliRun.Of("info", _folder.File("model"), "--json");
        Assert.Contains("stores lm_head.weight with other values",
            Assert.Single(info.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        var export = CliRun.Of("export", _folder.File("model"), "--out", _folder.File("plain"));
        Assert.Contains("stores lm_head.weight with other values", export.Error);
        var plain = CliRun.Of("info", _folder.File("plain"), "--json");
        Assert.Equal("", plain.Error);
        Assert.Equal((long)info.Json["parameters"]!, (long)plain.Json["parameters"]!);
        Assert.False((bool)JsonNode.Parse(
            File.ReadAllText(Path.Combine(_folder.File("plain"), "config.json")))!["tie_word_embeddings"]!);
    }

    [Fact]
    public void What_the_configuration_asks_and_nothing_does_is_told_once()
    {
        var run = CliRun.Of("info",
            With(FamilyConfigs.Qwen3, ("rope_scaling", new JsonObject { ["factor"] = 4 })), "--json");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("rope_scaling names no rope_type, so that nothing uses: factor = 4",
            Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Theory]
    [InlineData(32, 8, 4, true, "as long as from whole heads or longer")] // the heads of Llama 3.2 1B
    [InlineData(32, 8, 4, false, "0.6 to 0.85 of the time")] // half of the heads kept, the others composed of them
    [InlineData(16, 8, 4, false, null)]
    [InlineData(16, 8, 4, true, "0.6 to 0.85 of the time")]  // the heads of Qwen3 0.6B
    [InlineData(32, 8, 1, true, null)]
    [InlineData(32, 8, 8, true, null)] // whole heads
    public void Components_that_a_processor_multiplies_for_longer_are_told(int heads, int groups, int kept, bool fine,
        string? told)
    {
        var options = new ModelOptions
        {
            HiddenSize = 256,
            Layers = 2,
            Attention = new AttentionOptions { Heads = heads, KeyValueHeads = groups, HeadDim = 16 },
            VirtualHeads = kept == groups ? null
                : [null, new VirtualHeads
                {
                    KeyComponents = kept,
                    ValueRank = kept * 16,
                    KeyGrain = fine ? KeyGrain.Frequency : KeyGrain.Head,
                    ValueGrain = fine ? ValueGrain.Dense : ValueGrain.Head,
                }],
        };
        var remark = CachedLayer.SpeedRemark(options, CachedLayer.Of(options));
        if (told is null) Assert.Null(remark);
        else Assert.StartsWith($"On a CPU the attention of such layers (1) takes about {told}", remark,
            StringComparison.Ordinal);
    }
}
