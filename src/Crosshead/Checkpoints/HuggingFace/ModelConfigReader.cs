using System.Text.Json;
using Crosshead.Attention;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>From the keys of a <c>config.json</c> to options.</summary>
internal static class ModelConfigReader
{
    private const double DefaultNormEpsilon = 1e-6;

    /// <summary>The options that the keys describe, not yet validated.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="family">Its family.</param>
    /// <param name="own">Whether it has the keys of <c>crosshead</c> beside those of the family.</param>
    public static ModelOptions Read(ConfigValues config, FamilyConfig family, bool own)
    {
        var layers = config.Required<int>("num_hidden_layers");
        if (!own && !family.FeedForwardBias && config.Or("mlp_bias", false))
            throw config.Error($"{config.Shown("mlp_bias")} is not supported for {family.Name}; supported is false");
        if (!own && !family.Experts && ExpertConfig.IsIn(config))
            throw config.Error($"a mixture of experts is not supported for {family.Name}; supported is "
                + $"{string.Join(", ", FamilyConfig.Names.Where(n => FamilyConfig.Find(n)!.Experts))}");
        var attention = own ? Own<AttentionOptions>(config, ConfigJson.Attention, ConfigJson.AttentionStyle)
            ?? throw config.Error($"it lacks \"{ConfigJson.Attention}\"") : Attention(config, family);
        var (window, full) = own ? WindowConfig.Read(config, attention.SlidingWindow, layers)
            : WindowConfig.Read(config, family, layers);
        var (frequencyBase, scaling) = RopeConfig.Read(config);
        return new ModelOptions
        {
            Family = family.Family,
            VocabularySize = config.Required<int>("vocab_size"),
            HiddenSize = config.Required<int>("hidden_size"),
            FeedForwardSize = config.Required<int>("intermediate_size"),
            FeedForwardBias = config.Or("mlp_bias", false),
            Experts = (own ? ExpertConfig.IsIn(config) : family.Experts) ? ExpertConfig.Read(config) : null,
            Layers = layers,
            Context = config.Required<int>("max_position_embeddings"),
            RopeBase = frequencyBase,
            RopeScaling = scaling,
            NormEpsilon = config.Or("rms_norm_eps", DefaultNormEpsilon),
            InitializerRange = config.Or("initializer_range", 0.02),
            TieEmbeddings = config.Or("tie_word_embeddings", false),
            Attention = attention with
            {
                Heads = config.Required<int>("num_attention_heads"),
                KeyValueHeads = KeyValueHeads(config, family),
                HeadDim = config.Has("head_dim") || own ? config.Optional<int>("head_dim") : family.HeadDim,
                SlidingWindow = window,
            },
            FullAttentionLayers = full,
            VirtualHeads = own
                ? Own<VirtualHeads?[]>(config, ConfigJson.VirtualHeads, ConfigJson.VirtualHeadsStyle) : null,
        };
    }

    private static AttentionOptions Attention(ConfigValues config, FamilyConfig family)
    {
        var asked = family.Biases == FamilyConfig.BiasRule.Key && config.Or("attention_bias", false);
        if (family.Biases == FamilyConfig.BiasRule.None && config.Or("attention_bias", false))
            throw config.Error(
                $"{config.Shown("attention_bias")} is not supported for {family.Name}; supported is false");
        return new AttentionOptions
        {
            ProjectionBias = asked || family.Biases == FamilyConfig.BiasRule.QueryKeyValue,
            OutputBias = asked,
            QueryKeyNorm = family.QueryKeyNorm,
            QueryKeyNormEpsilon = family.QueryKeyNorm ? config.Or("rms_norm_eps", DefaultNormEpsilon)
                : new AttentionOptions().QueryKeyNormEpsilon,
        };
    }

    private static int? KeyValueHeads(ConfigValues config, FamilyConfig family) =>
        config.Has("num_key_value_heads") || family.KeyValueHeadsDefault ? config.Optional<int>("num_key_value_heads")
        : config.Required<int>("num_key_value_heads");

    private static T? Own<T>(ConfigValues config, string key, JsonSerializerOptions json)
    {
        try
        {
            return config[key].Deserialize<T>(json);
        }
        catch (JsonException e)
        {
            throw config.Error($"\"{key}\" cannot be read: {e.Reason()}", e);
        }
    }
}
