using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>From options to the keys of a <c>config.json</c>.</summary>
internal static class ModelConfigWriter
{
    /// <summary>The keys of the family only, which may not express the whole model.</summary>
    public static JsonObject Plain(ModelOptions options, FamilyConfig family)
    {
        var json = Common(options, family.Name, family.Architecture);
        json[family.NormEpsilonKey] = options.NormEpsilon;
        json[family.ActivationKey] = options.Block.Activation == Activation.Silu ? "silu" : "gelu_pytorch_tanh";
        RopeConfig.Write(json, options, family);
        if (family.Biases is not (FamilyConfig.BiasRule.None or FamilyConfig.BiasRule.QueryKeyValue))
            json["attention_bias"] = options.Attention.ProjectionBias;
        if (family.Biases == FamilyConfig.BiasRule.KeyAndOutputKey)
            json["attention_out_bias"] = options.Attention.OutputBias;
        if (family.FeedForwardBias) json["mlp_bias"] = options.FeedForwardBias;
        WindowConfig.Write(json, options, family);
        var whole = options.Experts is null ? options with { Experts = family.Experts } : options;
        foreach (var key in family.Keys) json[key.Name] = key.Write(whole);
        return json;
    }

    /// <summary>The keys of <c>crosshead</c>, which express the whole model.</summary>
    public static JsonObject Own(ModelOptions options, FamilyConfig family)
    {
        var json = Common(options, ConfigJson.ModelType, ConfigJson.Architecture);
        json[ConfigJson.BaseModelType] = family.Name;
        json[ConfigJson.NormEpsilon] = options.NormEpsilon;
        RopeConfig.WriteOwn(json, options);
        if (options.Block != new BlockOptions())
            json[ConfigJson.Block] = JsonSerializer.SerializeToNode(options.Block, ConfigJson.AttentionStyle);
        json["mlp_bias"] = options.FeedForwardBias;
        if (options.Experts is not null) ExpertKeys.Write(json, options);
        json[ConfigJson.Attention] = JsonSerializer.SerializeToNode(Meaningful(options), ConfigJson.AttentionStyle);
        WindowConfig.WriteTypes(json, options);
        if (options.VirtualHeads is { } virtualHeads)
            json[ConfigJson.VirtualHeads] = JsonSerializer.SerializeToNode(virtualHeads, ConfigJson.VirtualHeadsStyle);
        return json;
    }

    private static JsonObject Common(ModelOptions options, string type, string architecture)
    {
        return new JsonObject
        {
            ["architectures"] = new JsonArray(architecture),
            ["model_type"] = type,
            ["vocab_size"] = options.VocabularySize,
            ["hidden_size"] = options.HiddenSize,
            ["intermediate_size"] = options.FeedForward,
            ["num_hidden_layers"] = options.Layers,
            ["num_attention_heads"] = options.Attention.Heads,
            ["num_key_value_heads"] = options.Attention.Groups,
            ["head_dim"] = options.HeadDim,
            ["max_position_embeddings"] = options.Context,
            ["initializer_range"] = options.InitializerRange,
            ["tie_word_embeddings"] = options.TieEmbeddings,
        };
    }

    // With defaults resolved; plain attention without the options that only other variants use.
    private static AttentionOptions Meaningful(ModelOptions options)
    {
        var attention = options.Attention with { KeyValueHeads = options.Attention.Groups, HeadDim = options.HeadDim };
        if (!attention.QueryKeyNorm)
            attention = attention with { QueryKeyNormEpsilon = new AttentionOptions().QueryKeyNormEpsilon };
        if (attention.Variant != AttentionVariant.Gqa) return attention;
        return new AttentionOptions
        {
            Heads = attention.Heads,
            KeyValueHeads = attention.KeyValueHeads,
            HeadDim = attention.HeadDim,
            ProjectionBias = attention.ProjectionBias,
            OutputBias = attention.OutputBias,
            QueryKeyNorm = attention.QueryKeyNorm,
            QueryKeyNormEpsilon = attention.QueryKeyNormEpsilon,
            QueryKeyNormSpan = attention.QueryKeyNormSpan,
            QueryKeyNormOffset = attention.QueryKeyNormOffset,
            ScoreScale = attention.ScoreScale,
            ScoreCap = attention.ScoreCap,
            SlidingWindow = attention.SlidingWindow,
            Sinks = attention.Sinks,
            Latent = attention.Latent,
        };
    }
}
