using Crosshead.Attention;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>The keys of latent attention in <c>config.json</c>.</summary>
internal static class LatentKeys
{
    private const string QueryRank = "q_lora_rank", Rotated = "qk_rope_head_dim", Interleaved = "rope_interleave";
    private const int DefaultQueryRank = 1536; // of Transformers

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        new(Rotated,
            (config, options) => options with
            {
                Attention = options.Attention with
                {
                    HeadDim = config.Required<int>(Rotated),
                    Latent = new LatentOptions { ScaleFactor = ScaleFactor(config, options) },
                },
            },
            options => options.Attention.HeadDim),
        Width("kv_lora_rank", l => l.Rank, (l, v) => l with { Rank = v }),
        Width("qk_nope_head_dim", l => l.PlainWidth, (l, v) => l with { PlainWidth = v }),
        Width("v_head_dim", l => l.ValueWidth, (l, v) => l with { ValueWidth = v }),
        new(QueryRank,
            (config, options) => With(options, l => l with
            {
                QueryRank = config.Has(QueryRank) ? config.Optional<int>(QueryRank) : DefaultQueryRank,
            }),
            options => options.Attention.Latent?.QueryRank),
        new(Interleaved,
            (config, options) => With(options, l => l with { Interleaved = config.Or(Interleaved, l.Interleaved) }),
            options => options.Attention.Latent?.Interleaved),
    ];

    private static ConfigKey Width(string name, Func<LatentOptions, int> get,
        Func<LatentOptions, int, LatentOptions> set) => new(name,
            (config, options) => With(options, l => set(l, config.Required<int>(name))),
            options => options.Attention.Latent is { } latent ? get(latent) : null);

    private static ModelOptions With(ModelOptions options, Func<LatentOptions, LatentOptions> change) =>
        options with
        {
            Attention = options.Attention with { Latent = change(options.Attention.Latent ?? new()) },
        };

    // With scaled positions the scores grow by the square of what YaRN's scale of all dimensions gives.
    private static double ScaleFactor(ConfigValues config, ModelOptions options)
    {
        var weight = (config.Child("rope_parameters") ?? config.Child("rope_scaling"))?.Or("mscale_all_dim", 0.0) ?? 0;
        if (options.RopeScaling is not { Factor: > 1 } scaling || weight == 0) return 1;
        var magnitude = (0.1 * weight * Math.Log(scaling.Factor)) + 1;
        return magnitude * magnitude;
    }
}
