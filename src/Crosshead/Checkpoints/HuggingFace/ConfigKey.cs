using System.Text.Json.Nodes;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>A key that a family has beside the common ones, and the option that it means.</summary>
/// <param name="Name">The key.</param>
/// <param name="Read">Sets the option, also where the key is absent.</param>
/// <param name="Write">The value of the key.</param>
internal sealed record ConfigKey(string Name, Func<ConfigValues, ModelOptions, ModelOptions> Read,
    Func<ModelOptions, JsonNode?> Write)
{
    /// <summary>A number.</summary>
    /// <param name="name">The key.</param>
    /// <param name="absent">Its value where the key is absent; null for none.</param>
    /// <param name="set">Sets the option from the value, which is null where the key is null.</param>
    /// <param name="get">The value.</param>
    public static ConfigKey Number(string name, double? absent, Func<ModelOptions, double?, ModelOptions> set,
        Func<ModelOptions, double?> get) => new(name,
            (config, options) => set(options, config.Has(name) ? config.Optional<double>(name) : absent),
            options => get(options) is { } value ? value : (JsonNode?)null);

    /// <summary>A number that multiplies something; absent or null means 1.</summary>
    public static ConfigKey Multiplier(string name, Func<BlockOptions, double, BlockOptions> set,
        Func<BlockOptions, double> get) => Number(name, 1,
            (options, value) => options with { Block = set(options.Block, value ?? 1) }, options => get(options.Block));

    /// <summary>The key <c>query_pre_attn_scalar</c> s: scores are divided by √s.</summary>
    /// <param name="absent">Its value where the key is absent.</param>
    public static ConfigKey QueryScalar(double absent) => Number("query_pre_attn_scalar", absent,
        (options, value) => options with
        {
            Attention = options.Attention with { ScoreScale = 1 / Math.Sqrt(value ?? absent) },
        },
        // Rounded, so that the square of the root is the number again.
        options => options.Attention.ScoreScale is { } scale ? Math.Round(1 / (scale * scale), 9) : null);

    /// <summary>The cap of the attention's scores.</summary>
    /// <param name="absent">Its value where the key is absent; null for no cap.</param>
    public static ConfigKey ScoreCap(double? absent) => Number("attn_logit_softcapping", absent,
        (options, value) => options with { Attention = options.Attention with { ScoreCap = value } },
        options => options.Attention.ScoreCap);

    /// <summary>The cap of the logits.</summary>
    /// <param name="absent">Its value where the key is absent; null for no cap.</param>
    public static ConfigKey LogitCap(double? absent) => Number("final_logit_softcapping", absent,
        (options, value) => options with { Block = options.Block with { LogitCap = value } },
        options => options.Block.LogitCap);

    /// <summary>
    /// The key <c>use_qk_norm</c>: whether queries and keys are normed, with the epsilon of all norms.
    /// </summary>
    public static ConfigKey QueryKeyNorm { get; } = new("use_qk_norm",
        (config, options) => !config.Or("use_qk_norm", false) ? options : options with
        {
            Attention = options.Attention with { QueryKeyNorm = true, QueryKeyNormEpsilon = options.NormEpsilon },
        },
        options => options.Attention.QueryKeyNorm);

    /// <summary>The key <c>no_rope_layers</c>: 0 for the layers without rotation, every fourth where it is
    /// absent.</summary>
    public static ConfigKey UnrotatedLayers { get; } = new("no_rope_layers", ReadUnrotated,
        options => new JsonArray([.. Enumerable.Range(0, options.Layers)
            .Select(i => (JsonNode)(options.RotaryKindOf(i) == RotaryKind.None ? 0 : 1))]));

    private static ModelOptions ReadUnrotated(ConfigValues config, ModelOptions options)
    {
        const string key = "no_rope_layers", interval = "no_rope_layer_interval";
        var every = config.Or(interval, 4);
        if (every < 1) throw config.Error($"{config.Shown(interval)} must be at least 1");
        var rotated = config.Or<int[]?>(key, null)
            ?? [.. Enumerable.Range(1, options.Layers).Select(i => i % every == 0 ? 0 : 1)];
        if (rotated.Length != options.Layers)
            throw config.Error(
                $"{key} describes {rotated.Length} layers, num_hidden_layers is {options.Layers}; they must be equal");
        int[] none = [.. Enumerable.Range(0, options.Layers).Where(i => rotated[i] == 0)];
        return options with { UnrotatedLayers = none.Length > 0 ? none : null };
    }
}
