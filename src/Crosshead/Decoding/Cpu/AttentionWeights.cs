using Crosshead.Attention;
using Crosshead.Attention.Composition;

namespace Crosshead.Decoding.Cpu;

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

    /// <summary>The matrices that each token multiplies.</summary>
    public IEnumerable<PackedMatrix> Matrices => [Projections, Output, .. Values?.Matrices ?? []];

    /// <summary>Mix of key components, carried by the queries; null where the keys are whole heads.</summary>
    public KeyMix? Keys { get; private init; }

    /// <summary>Norm of queries and keys; null for none.</summary>
    public QueryKeyNorm? QueryKeyNorm { get; private init; }

    /// <summary>Mix of value components, applied to the sums; null where the values are whole heads.</summary>
    public ValueExpansion? Values { get; private init; }

    /// <summary>Weight of the norm on the heads' outputs, a row a head or one for all; null for no norm.</summary>
    public Rows? HeadNorm { get; private init; }

    /// <summary>Talking-Heads' mixes of scores and of weights [h, h]; null for other variants.</summary>
    public (float[] Logits, float[] Weights)? Talking { get; private init; }

    /// <summary>The factor λ of differential attention's second map.</summary>
    public float Lambda { get; private init; }

    /// <summary>Reads and packs a layer.</summary>
    /// <param name="parameters">The layer's parameters.</param>
    /// <param name="pack">Packs matrices.</param>
    /// <param name="options">The mechanism.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="layer">Index of the layer.</param>
    public static AttentionWeights Read(ParameterReader parameters, MatrixPacker pack, AttentionOptions options, int width, int layer)
    {
        var layout = new HeadLayout(options, width);
        var d = layout.HeadDim;
        var keyMix = options.ComposesKeys ? parameters.Read("k_mix") : null;
        var valueMix = options.ComposesValues ? parameters.Read("v_mix") : null;
        // Whole heads of components: the projection is composed, and its bias is one input more. A dense mix composes
        // g·d heads of width 1.
        float[]? Key(string name) => Compose(layout.Cache.Keys.AreComponents ? null : keyMix, parameters.Find($"k_proj.{name}"), layout.Groups);
        float[]? Value(string name) => Compose(layout.Cache.Values.AreComponents ? null : valueMix, parameters.Find($"v_proj.{name}"),
            options.ValueGrain == ValueGrain.Dense ? layout.Groups * d : layout.Groups);
        float[][] Parts(string name) => [.. new[] { parameters.Find($"q_proj.{name}"), Key(name), Value(name) }.OfType<float[]>()];
        var bias = Parts("bias");

        var differential = options.Variant == AttentionVariant.Differential;
        var start = 0.8 - (0.6 * Math.Exp(-0.3 * layer));
        var norm = options.HasHeadNorm || differential ? parameters.Read("head_norm.weight") : null;
        if (differential) norm = [.. norm!.Select(w => (float)(w * (1 - start)))];
        return new AttentionWeights(options, layout,
            pack(width, Parts("weight"), bias.Length > 0 ? [.. bias.SelectMany(b => b)] : null),
            pack(options.Heads * d, [parameters.Read("o_proj.weight")], parameters.Find("o_proj.bias")))
        {
            Keys = layout.Cache.Keys.AreComponents ? new KeyMix(keyMix!, options.KeyGrain, layout) : null,
            QueryKeyNorm = options.QueryKeyNorm ? new QueryKeyNorm(parameters.Read("q_norm.weight"), parameters.Read("k_norm.weight"), options.QueryKeyNormEpsilon) : null,
            Values = layout.Cache.Values.AreComponents ? ValueExpansion.Create(valueMix!, options.ValueGrain, layout, pack) : null,
            HeadNorm = norm is null ? null : new Rows(norm, differential ? 2 * d : d),
            Talking = options.Variant == AttentionVariant.TalkingHeads ? (parameters.Read("logit_mix"), parameters.Read("weight_mix")) : null,
            Lambda = differential ? (float)(start + ExpDot(parameters, "1") - ExpDot(parameters, "2")) : 0,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Projections.Dispose();
        Output.Dispose();
        Keys?.Dispose();
        QueryKeyNorm?.Dispose();
        Values?.Dispose();
        HeadNorm?.Dispose();
    }

    private static double ExpDot(ParameterReader parameters, string which) =>
        Math.Exp(parameters.Read($"lambda_q{which}").Zip(parameters.Read($"lambda_k{which}"), (q, k) => (double)q * k).Sum());

    // W̃[g, :] = Σ_c mix[c, g] · W[c, :], a row a head (eq. 18); W itself without a mix.
    private static float[]? Compose(float[]? mix, float[]? components, int heads)
    {
        if (mix is null || components is null) return components;
        var count = mix.Length / heads;
        var size = components.Length / count;
        var composed = new float[heads * size];
        for (var g = 0; g < heads; g++)
            for (var c = 0; c < count; c++)
                for (var i = 0; i < size; i++)
                    composed[(g * size) + i] += mix[(c * heads) + g] * components[(c * size) + i];
        return composed;
    }
}
