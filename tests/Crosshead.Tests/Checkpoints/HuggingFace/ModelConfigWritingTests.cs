using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Tests.Checkpoints.HuggingFace;

/// <summary>What is written of a model's options, and that it reads back.</summary>
public sealed class ModelConfigWritingTests
{
    public static TheoryData<string> Names => [.. FamilyConfigs.All.Keys];

    [Fact]
    public void Only_what_can_be_set_of_the_attention_is_written()
    {
        var options = new ModelOptions
        {
            VocabularySize = 30,
            HiddenSize = 16,
            Layers = 1,
            Attention = new()
            {
                Variant = AttentionVariant.Mea,
                Heads = 4,
                KeyValueHeads = 2,
                HeadDim = 4,
                KeyComponents = 1,
                ValueComponents = 1,
            },
        };
        var settable = typeof(AttentionOptions).GetProperties().Where(p => p.CanWrite)
            .Select(p => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(p.Name));
        var written = JsonNode.Parse(ModelConfig.Write(options, "float32"))!["attention"]!.AsObject()
            .Select(p => p.Key);
        Assert.NotEmpty(written);
        Assert.Empty(written.Except(settable));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_plain_model_keeps_its_model_type(string name)
    {
        var config = FamilyConfigs.All[name];
        var options = ModelConfig.Parse("config.json", config);
        ConfigRoundTrip.Same(options, ConfigRoundTrip.Back(options, (string)JsonNode.Parse(config)!["model_type"]!));
    }

    public static TheoryData<string, ModelOptions> BeyondTheirFamily
    {
        get
        {
            var plain = new ModelOptions
            {
                Layers = 3,
                FeedForwardSize = 40,
                Attention = new() { Heads = 8, KeyValueHeads = 4, HeadDim = 32 },
            };
            var attention = plain.Attention;
            var virtualHeads = new VirtualHeads
            {
                KeyGrain = KeyGrain.Frequency,
                KeyComponents = 2,
                ValueGrain = ValueGrain.Dense,
                ValueRank = 37,
            };
            return new()
            {
                { "mea", plain with
                {
                    Attention = attention with { Variant = AttentionVariant.Mea, KeyComponents = 2 },
                } },
                { "llama with query-key norm",
                    plain with { Attention = attention with { QueryKeyNorm = true, QueryKeyNormEpsilon = 1e-4 } } },
                { "llama with query biases alone",
                    plain with { Attention = attention with { ProjectionBias = true } } },
                { "llama with windows",
                    plain with { Attention = attention with { SlidingWindow = 8 }, FullAttentionLayers = [1] } },
                { "llama with experts", plain with { Experts = new() { DenseLayers = [0, 2], Step = 1 } } },
                { "mistral with feed-forward biases",
                    plain with { Family = ModelFamily.Mistral, FeedForwardBias = true } },
                { "qwen2 without biases", plain with { Family = ModelFamily.Qwen2 } },
                { "qwen3 with another epsilon", plain with
                {
                    Family = ModelFamily.Qwen3,
                    Attention = attention with { QueryKeyNorm = true, QueryKeyNormEpsilon = 1e-3 },
                } },
                { "qwen3_moe without experts",
                    plain with { Family = ModelFamily.Qwen3Moe, Attention = attention with { QueryKeyNorm = true } } },
                { "mixtral with every option of experts", plain with
                {
                    Family = ModelFamily.Mixtral,
                    Experts = new()
                    {
                        Count = 8,
                        Scoring = ExpertScoring.Sigmoid,
                        WeightFactor = 2.5,
                        RouterBias = true,
                        ChoiceBias = true,
                        Groups = 4,
                        GroupsPerToken = 2,
                        Shared = 2,
                        Bias = true,
                        SwiGluLimit = 5,
                        DenseLayers = [1],
                    },
                } },
                { "deepseek_v3 without experts", plain with
                {
                    Family = ModelFamily.DeepseekV3,
                    Attention = new()
                    {
                        Heads = 4,
                        HeadDim = 8,
                        Latent = new()
                        {
                            Rank = 24,
                            QueryRank = 12,
                            PlainWidth = 16,
                            ValueWidth = 20,
                            Interleaved = false,
                            ScaleFactor = 1.5,
                        },
                    },
                } },
                { "llama with sinks", plain with { Attention = attention with { Sinks = true } } },
                { "qwen2 with virtual heads", plain with
                {
                    Family = ModelFamily.Qwen2,
                    Attention = attention with { ProjectionBias = true },
                    VirtualHeads = [null, virtualHeads,
                        virtualHeads with { ValueRank = null, ValueGrain = ValueGrain.Head }],
                } },
            };
        }
    }

    [Theory]
    [MemberData(nameof(BeyondTheirFamily))]
    public void What_a_family_cannot_say_is_written_as_crosshead(string what, ModelOptions options)
    {
        Assert.NotEmpty(what);
        options.Validate();
        var json = JsonNode.Parse(ModelConfig.Write(options, "bfloat16", new TextTokens(1, [2])))!;
        Assert.Equal("crosshead", (string)json["model_type"]!);
        Assert.Equal(FamilyTable.Of(options.Family).Name, (string)json["base_model_type"]!);
        ConfigRoundTrip.Same(options, ConfigRoundTrip.Back(options, "crosshead"));
    }

    [Fact]
    public void Virtual_heads_are_a_list_with_an_entry_a_layer()
    {
        var options = new ModelOptions
        {
            Layers = 2,
            Attention = new() { Heads = 8, KeyValueHeads = 4 },
            VirtualHeads = [null, new()
            {
                KeyGrain = KeyGrain.Frequency,
                KeyComponents = 2,
                ValueGrain = ValueGrain.Dense,
                ValueRank = 7,
            }],
        };
        var list = JsonNode.Parse(ModelConfig.Write(options, "float32"))!["virtual_heads"]!.AsArray();
        Assert.Equal("""[null,{"key_grain":"frequency","key_components":2,"value_grain":"dense","value_rank":7}]""",
            list.ToJsonString());
    }

    [Fact]
    public void Options_that_plain_attention_does_not_heed_leave_a_plain_model_plain()
    {
        var options = new ModelOptions
        {
            Attention = new() { HeadNormStart = 1, MixStart = MixStart.Normal, QueryKeyNormEpsilon = 0.1 },
        };
        Assert.Equal("llama", (string)JsonNode.Parse(ModelConfig.Write(options, "float32"))!["model_type"]!);
    }
}
