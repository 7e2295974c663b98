using System.Text.Json;
using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>From the keys of a <c>config.json</c> to options.</summary>
internal static class ModelConfigReader
{
    /// <summary>The options that the keys describe, not yet validated.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="family">Its family.</param>
    /// <param name="own">Whether it has the keys of <c>crosshead</c> beside those of the family.</param>
    public static ModelOptions Read(ConfigValues config, FamilyConfig family, bool own)
    {
        var layers = config.Required<int>("num_hidden_layers");
        if (!own && !family.FeedForwardBias && config.Or("mlp_bias", false))
            throw config.Error($"{config.Shown("mlp_bias")} is not supported for {family.Name}; supported is false");
        if (!own && family.Experts is null && ExpertKeys.AreIn(config))
            throw config.Error($"a mixture of experts is not supported for {family.Name}; supported is "
                + $"{string.Join(", ", FamilyTable.Names.Where(n => FamilyTable.Find(n)!.Experts is not null))}");
        var attention = own ? Own<AttentionOptions>(config, ConfigJson.Attention, ConfigJson.AttentionStyle)
            ?? throw config.Error($"it lacks \"{ConfigJson.Attention}\"") : Attention(config, family);
        var (window, full) = own ? WindowConfig.Read(config, attention.SlidingWindow, layers)
            : WindowConfig.Read(config, family, layers);
        var (frequencyBase, scaling, windowRotary) = RopeConfig.Read(config, family, own);
        var options = new ModelOptions
        {
            Family = family.Family,
            VocabularySize = config.Required<int>("vocab_size"),
            HiddenSize = config.Required<int>("hidden_size"),
            FeedForwardSize = config.Required<int>("intermediate_size"),
            FeedForwardBias = config.Or("mlp_bias", false),
            Experts = !own ? family.Experts : ExpertKeys.AreIn(config) ? ExpertKeys.Usual : null,
            Layers = layers,
            Context = config.Required<int>("max_position_embeddings"),
            RopeBase = frequencyBase,
            RopeScaling = scaling,
            RotaryDims = own ? config.Optional<int>(ConfigJson.RotaryDims) : null,
            WindowRotary = windowRotary,
            UnrotatedLayers = own ? config.Or<int[]?>(ConfigJson.UnrotatedLayers, null) : null,
            Block = own ? Own<BlockOptions>(config, ConfigJson.Block, ConfigJson.AttentionStyle) ?? new()
                : new BlockOptions { Activation = ActivationOf(config, family) },
            NormEpsilon = config.Or(own ? ConfigJson.NormEpsilon : family.NormEpsilonKey, family.NormEpsilon),
            InitializerRange = config.Or("initializer_range", 0.02),
            TieEmbeddings = config.Or("tie_word_embeddings", !own && family.TieEmbeddings),
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
        if (own) return options.Experts is null ? options : ExpertKeys.ReadOwn(config, options);
        options = options with { RotaryDims = RopeConfig.TurnedOf(config, family, options) };
        foreach (var key in family.Keys) options = key.Read(config, options);
        return family.Always(WindowConfig.OfUnrotated(config, family, options));
    }

    private static Activation ActivationOf(ConfigValues config, FamilyConfig family)
    {
        const string gelu = "gelu_pytorch_tanh";
        return config.Or<string?>(family.ActivationKey, null) switch
        {
            null => family.Activation,
            "silu" or "swish" => Activation.Silu,
            gelu when family.Experts is null => Activation.GeluTanh,
            _ => throw config.Error($"{config.Shown(family.ActivationKey)} is not supported; supported is silu or swish"
                + (family.Experts is not null ? "" : $" or {gelu}")),
        };
    }

    private static AttentionOptions Attention(ConfigValues config, FamilyConfig family)
    {
        var asked = family.Biases is FamilyConfig.BiasRule.Key or FamilyConfig.BiasRule.KeyWithoutOutput
            or FamilyConfig.BiasRule.KeyAndOutputKey && config.Or("attention_bias", family.BiasDefault);
        if (family.Biases == FamilyConfig.BiasRule.None && config.Or("attention_bias", false))
            throw config.Error(
                $"{config.Shown("attention_bias")} is not supported for {family.Name}; supported is false");
        return new AttentionOptions
        {
            ProjectionBias = asked || family.Biases == FamilyConfig.BiasRule.QueryKeyValue,
            OutputBias = family.Biases switch
            {
                FamilyConfig.BiasRule.Key => asked,
                FamilyConfig.BiasRule.KeyAndOutputKey => config.Or("attention_out_bias", false),
                _ => false,
            },
            QueryKeyNorm = family.QueryKeyNorm,
            QueryKeyNormEpsilon = family.QueryKeyNorm ? config.Or(family.NormEpsilonKey, family.NormEpsilon)
                : new AttentionOptions().QueryKeyNormEpsilon,
        };
    }

    private static int? KeyValueHeads(ConfigValues config, FamilyConfig family) =>
        config.Has("num_key_value_heads") || family.KeyValueHeadsDefault ? config.Optional<int>("num_key_value_heads")
        : config.Required<int>("num_key_value_heads");

    /// <summary>A record of options under a key; null if it is absent or null.</summary>
    internal static T? Own<T>(ConfigValues config, string key, JsonSerializerOptions json)
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
