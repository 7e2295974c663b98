using Crosshead.Attention;
using Crosshead.Attention.Composition;

namespace Crosshead.Model;

/// <summary>What one attention layer costs.</summary>
/// <param name="Parameters">Its trainable numbers.</param>
/// <param name="Multiplied">Numbers of its weights that multiply every token, mixes merged into the
/// projections.</param>
/// <param name="FlopsPerPair">Operations for each pair of a token and a token it sees.</param>
/// <param name="CacheElements">Numbers kept of each token while decoding.</param>
internal sealed record AttentionCost(long Parameters, long Multiplied, long FlopsPerPair, long CacheElements)
{
    public static AttentionCost Of(AttentionOptions options, long width, int d)
    {
        if (options.Latent is { } latent) return Of(options, latent, width, d);
        long h = options.Heads, g = options.Groups, keys = options.ProjectedKeys(d),
        values = options.ProjectedValues(d);
        // h·d and g·d are below 2³¹ (AttentionOptions); a width of 2³¹ on both sides is not.
        var projections = checked((width * ((2 * h * d) + keys + values)) + Biases(options, width, d, keys + values));
        var multiplied = checked(d * width * ((2 * h) + (2 * g)));
        var cache = options.CacheLayoutFor((int)width).ElementsPerToken;
        var traits = AttentionFactory.TraitsOf(options.Variant);
        var parameters = projections + Mixes(options, d) + Norms(options, d) + traits.OwnParameters(options, d)
            + (options.Sinks ? h : 0);
        return new(parameters, multiplied, traits.FlopsPerPair(options, d), cache);
    }

    // Keys and values are made, as in training and for prompts.
    private static AttentionCost Of(AttentionOptions options, LatentOptions latent, long width, int d)
    {
        long h = options.Heads, queries = checked(h * (latent.PlainWidth + d)), rank = latent.Rank, kept = latent.Kept;
        long made = checked(h * (latent.PlainWidth + latent.ValueWidth));
        var (input, down) = latent.QueryRank is { } q ? (q, width * q) : (width, 0L);
        var multiplied = checked(down + (input * queries) + (width * (rank + d))
            + (latent.Components is null ? 0 : rank * kept) + (kept * made) + (width * h * latent.ValueWidth));
        var norms = rank + (latent.QueryRank ?? 0);
        var biases = (options.ProjectionBias ? rank + d + (latent.QueryRank ?? 0) : 0)
            + (options.OutputBias ? width : 0);
        return new(checked(multiplied + norms + biases), multiplied,
            checked(2 * h * (latent.PlainWidth + d + latent.ValueWidth)),
            options.CacheLayoutFor((int)width).ElementsPerToken);
    }

    private static long Biases(AttentionOptions options, long width, int d, long rows) =>
        (options.ProjectionBias ? ((long)options.Heads * d) + rows : 0) + (options.OutputBias ? width : 0);

    private static long Mixes(AttentionOptions options, int d)
    {
        long keys = options.ComposesKeys ? (long)options.ProjectedKeyHeads * options.Groups : 0;
        long values = options.ComposesValues
            ? (long)(options.ValueRank ?? options.ProjectedValueHeads) * options.Groups : 0;
        long rotated = options.FrequencyWidth(d), rest = d - rotated;
        return (options.KeyGrain == KeyGrain.Head ? keys : keys * (rotated + (rest * rest)))
            + (options.ValueGrain == ValueGrain.Dense ? values * d : values);
    }

    private static long Norms(AttentionOptions options, int d) =>
        (!options.HasHeadNorm ? 0 : options.HeadNorm == HeadNormKind.PerHead ? options.Heads * d : d)
        + (!options.QueryKeyNorm ? 0 : options.QueryKeyNormSpan == QueryKeyNormSpan.Head ? 2 * d
            : (options.Heads + options.Groups) * d);
}
