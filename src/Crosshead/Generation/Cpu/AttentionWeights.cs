using Crosshead.Attention;

namespace Crosshead.Generation.Cpu;

/// <summary>An attention layer ready to decode: projections packed, mixes folded in where that makes nothing larger.</summary>
internal sealed class AttentionWeights : IDisposable
{
    private AttentionWeights(AttentionOptions options, HeadLayout layout, PackedMatrix projections, PackedMatrix output) =>
        (Options, Layout, Projections, Output) = (options, layout, projections, output);

    /// <summary>The mechanism.</summary>
    public AttentionOptions Options { get; }

    /// <summary>Which head reads what.</summary>
    public HeadLayout Layout { get; }

    /// <summary>Query, key and value projections, one below the other: [h·d + key rows + value rows, D].</summary>
    public PackedMatrix Projections { get; }

    /// <summary>The output projection [D, h·d].</summary>
    public PackedMatrix Output { get; }

    /// <summary>Mix of key components [c, g], carried by the queries; null where the keys are whole heads.</summary>
    public float[]? KeyMix { get; private init; }

    /// <summary>Mix of value components [c, g], applied to the sums; null where the values are whole heads.</summary>
    public float[]? ValueMix { get; private init; }

    /// <summary>Weight of the norm on the heads' outputs, a row a head or one for all; null for no norm.</summary>
    public Rows? HeadNorm { get; private init; }

    /// <summary>Talking-Heads' mixes of scores and of weights [h, h]; null for other variants.</summary>
    public (float[] Logits, float[] Weights)? Talking { get; private init; }

    /// <summary>The factor λ of differential attention's second map.</summary>
    public float Lambda { get; private init; }

    /// <summary>Reads and packs a layer.</summary>
    /// <param name="read">Reads a parameter of the layer by its name.</param>
    /// <param name="pack">Packs matrices with so many inputs, one below the other.</param>
    /// <param name="options">The mechanism.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="layer">Index of the layer.</param>
    public static AttentionWeights Read(Func<string, float[]> read, Func<int, float[][], PackedMatrix> pack, AttentionOptions options, int width, int layer)
    {
        var layout = new HeadLayout(options, options.HeadDimFor(width));
        var d = layout.HeadDim;
        var (key, value) = (read("k_proj.weight"), read("v_proj.weight"));
        var keyMix = options.ComposesKeys ? read("k_mix") : null;
        var valueMix = options.ComposesValues ? read("v_mix") : null;
        if (keyMix is not null && !layout.SharedKeys) (key, keyMix) = (Compose(keyMix, key, options.KeyRows, options.Groups), null);
        if (valueMix is not null && !layout.SharedValues) (value, valueMix) = (Compose(valueMix, value, options.ValueRows, options.Groups), null);

        var differential = options.Variant == AttentionVariant.Differential;
        var start = 0.8 - (0.6 * Math.Exp(-0.3 * layer));
        var norm = options.HasHeadNorm || differential ? read("head_norm.weight") : null;
        if (differential) norm = [.. norm!.Select(w => (float)(w * (1 - start)))];
        return new AttentionWeights(options, layout, pack(width, [read("q_proj.weight"), key, value]), pack(options.Heads * d, [read("o_proj.weight")]))
        {
            KeyMix = keyMix,
            ValueMix = valueMix,
            HeadNorm = norm is null ? null : new Rows(norm, differential ? 2 * d : d),
            Talking = options.Variant == AttentionVariant.TalkingHeads ? (read("logit_mix"), read("weight_mix")) : null,
            Lambda = differential ? (float)(start + ExpDot(read, "1") - ExpDot(read, "2")) : 0,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Projections.Dispose();
        Output.Dispose();
        HeadNorm?.Dispose();
    }

    private static double ExpDot(Func<string, float[]> read, string which) =>
        Math.Exp(read($"lambda_q{which}").Zip(read($"lambda_k{which}"), (q, k) => (double)q * k).Sum());

    // W̃[g, :] = Σ_c mix[c, g] · W[c, :], a row a head (eq. 18).
    private static float[] Compose(float[] mix, float[] weight, int components, int groups)
    {
        var size = weight.Length / components;
        var composed = new float[groups * size];
        for (var g = 0; g < groups; g++)
            for (var c = 0; c < components; c++)
                for (var i = 0; i < size; i++)
                    composed[(g * size) + i] += mix[(c * groups) + g] * weight[(c * size) + i];
        return composed;
    }
}
