using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using Crosshead.Weights;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Weights of an attention layer for decoding. Mixes are folded into the projections where
/// the cache keeps whole heads.
/// </summary>
internal sealed class AttentionWeights : IDisposable
{
    private AttentionWeights(
        AttentionOptions options, HeadLayout layout, StackedMatrix projections, StackedMatrix output) =>
        (Options, Layout, Projections, Output) = (options, layout, projections, output);

    /// <summary>Options of the layer.</summary>
    public AttentionOptions Options { get; }

    /// <summary>Which head reads which cached row.</summary>
    public HeadLayout Layout { get; }

    /// <summary>
    /// Query, key and value projections, stacked: [h·d + key rows + value rows, D]; those to latent vectors, and to
    /// the rotated part of keys, in latent attention.
    /// </summary>
    public StackedMatrix Projections { get; }

    /// <summary>The output projection [D, h·d].</summary>
    public StackedMatrix Output { get; }

    /// <summary>The matrices that each token multiplies.</summary>
    public IEnumerable<StackedMatrix> Matrices =>
        [Projections, Output, .. Values?.Matrices ?? [], .. Latent?.Matrices ?? []];

    /// <summary>Mix of key components, applied to the queries; null if the cache keeps whole key heads.</summary>
    public KeyMix? Keys { get; private init; }

    /// <summary>Norm of queries and keys; null for none.</summary>
    public QueryKeyNorm? QueryKeyNorm { get; private init; }

    /// <summary>Mix of key heads with fewer heads that may be cached instead; null for none.</summary>
    public HeadMix? KeyHeads { get; private init; }

    /// <summary>Mix of value heads with fewer heads that may be cached instead; null for none.</summary>
    public HeadMix? ValueHeads { get; private init; }

    /// <summary>Mix of value components, applied to the sums; null if the cache keeps whole value heads.</summary>
    public ValueExpansion? Values { get; private init; }

    /// <summary>
    /// Weight of the norm on the heads' outputs: one row per head, or one row for all heads. Null for no norm.
    /// </summary>
    public Rows? HeadNorm { get; private init; }

    /// <summary>A further score of each head that has no value, [h]; null for none.</summary>
    public float[]? Sinks { get; private init; }

    /// <summary>Weights of latent attention; null for heads that are projected.</summary>
    public LatentWeights? Latent { get; private init; }

    /// <summary>Mixes of scores and of weights in Talking-Heads, [h, h] each; null for other variants.</summary>
    public (float[] Logits, float[] Weights)? TalkingHeadsMix { get; private init; }

    /// <summary>Factor λ of the second map in differential attention.</summary>
    public float Lambda { get; private init; }

    /// <summary>
    /// Whether vectors that multiply a bfloat16 cache are rounded too: not those of latent vectors, nor where composing
    /// heads while they are read takes less time all the same.
    /// </summary>
    public bool RoundsVectors => Latent is null && IsFasterRounded(KeyHeads) && IsFasterRounded(ValueHeads);

    /// <summary>Reads a layer.</summary>
    /// <param name="attention">The layer, trainable or frozen.</param>
    /// <param name="reader">Makes matrices.</param>
    /// <param name="options">The layer's options.</param>
    /// <param name="width">Model width D.</param>
    /// <exception cref="CrossheadException">The decoder does not know the mechanism.</exception>
    public static AttentionWeights Of(IAttention attention, WeightReader reader, AttentionOptions options,
        int width) => attention switch
        {
            DeferredAttention a => Of(a.Layer, reader, options, width),
            FrozenAttention a => Multihead(a.Layer, reader, options, width),
            MultiheadAttention a => Multihead(a, reader, options, width),
            TalkingHeadsAttention a => TalkingHeads(a, reader, options, width),
            DifferentialAttention a => Differential(a, reader, options, width),
            LatentAttention a => OfLatent(a, reader, options, width),
            _ => throw new CrossheadException($"the CPU decoder does not know {options.Variant.NameOf()} attention; "
                + "decode with the model itself (TensorDecoder)."),
        };

    private bool IsFasterRounded(HeadMix? mix) =>
        mix is null || CachedProducts.AreFasterRounded(Layout.Heads, mix.Groups, mix.Components);

    private static AttentionWeights Multihead(
        MultiheadAttention attention, WeightReader reader, AttentionOptions options, int width)
    {
        var (own, layout) = (attention.Projections, new HeadLayout(options, width));
        var (keyMix, valueMix) = (attention.KeyMix, attention.ValueMix);
        var (keysAreKept, valuesAreKept) = (!layout.Cache.Keys.AreComponents, !layout.Cache.Values.AreComponents);
        // Where the cache keeps heads, the projection is composed. The bias is composed like one more input. Of finer
        // mixes of keys the cache keeps the components, because they are fewer.
        var (projections, output) = Read(own, reader, keysAreKept ? (keyMix as HeadComposition)?.Mix : null,
            valuesAreKept ? valueMix?.Mix : null);
        return new AttentionWeights(options, layout, projections, output)
        {
            Keys = keysAreKept ? null : new KeyMix(keyMix!, layout),
            KeyHeads = keysAreKept ? null : HeadMix.Of(keyMix, layout),
            ValueHeads = valuesAreKept ? null : HeadMix.Of(valueMix, layout),
            Values = valuesAreKept ? null : ValueExpansion.Create(valueMix!, layout, reader),
            QueryKeyNorm = own is { QueryNorm: { } query, KeyNorm: { } key }
                ? new QueryKeyNorm(Factors(query.Weight, options), Factors(key.Weight, options), layout.HeadDim,
                    own.NormEpsilon, own.NormsWhole)
                : null,
            Sinks = attention.Sinks is { } sinks ? Floats(sinks) : null,
            HeadNorm = attention.HeadNorm is { } norm ? new Rows(Floats(norm.Weight), layout.HeadDim) : null,
        };
    }

    private static AttentionWeights TalkingHeads(
        TalkingHeadsAttention attention, WeightReader reader, AttentionOptions options, int width)
    {
        var (projections, output) = Read(attention.Projections, reader);
        return new AttentionWeights(options, new HeadLayout(options, width), projections, output)
        {
            TalkingHeadsMix = (Floats(attention.Mixes.Logits), Floats(attention.Mixes.Weights)),
        };
    }

    private static AttentionWeights Differential(
        DifferentialAttention attention, WeightReader reader, AttentionOptions options, int width)
    {
        var layout = new HeadLayout(options, width);
        var (projections, output) = Read(attention.Projections, reader);
        var (start, (q1, k1, q2, k2)) = (attention.LambdaStart, attention.LambdaVectors);
        static double ExpDot(Parameter q, Parameter k) =>
            Math.Exp(Floats(q).Zip(Floats(k), (a, b) => (double)a * b).Sum());
        var norm = Floats(attention.HeadNorm.Weight).Select(w => (float)(w * (1 - start)));
        return new AttentionWeights(options, layout, projections, output)
        {
            HeadNorm = new Rows([.. norm], 2 * layout.HeadDim),
            Lambda = (float)(start + ExpDot(q1, k1) - ExpDot(q2, k2)),
        };
    }

    private static AttentionWeights OfLatent(LatentAttention attention, WeightReader reader, AttentionOptions options,
        int width)
    {
        var (layout, query) = (new HeadLayout(options, width), attention.QueryDown ?? attention.Query);
        StackedMatrix projections = new([reader.Read(query.Weight), reader.Read(attention.Latent.Weight)],
            attention.Latent.Bias is not { } bias ? null
                : [.. query.Bias is { } own ? Floats(own) : new float[query.Weight.Shape[0]], .. Floats(bias)]);
        return new AttentionWeights(options, layout, projections,
            new StackedMatrix([reader.Read(attention.Output.Weight)],
                attention.Output.Bias is { } output ? Floats(output) : null))
        {
            Latent = new LatentWeights(attention, options.Latent!, layout, reader),
        };
    }

    // The stacked projections of queries, keys and values, and the output projection.
    private static (StackedMatrix Projections, StackedMatrix Output) Read(
        AttentionProjections own, WeightReader reader, Parameter? keyMix = null, Parameter? valueMix = null)
    {
        StackedMatrix projections = new(
            [reader.Read(own.Query.Weight), Composed(own.Key.Weight, keyMix), Composed(own.Value.Weight, valueMix)],
            own is { Query.Bias: { } q, Key.Bias: { } k, Value.Bias: { } v }
                ? [.. Floats(q), .. Compose(keyMix, k), .. Compose(valueMix, v)]
                : null);
        return (projections,
            new StackedMatrix([reader.Read(own.Output.Weight)], own.Output.Bias is { } o ? Floats(o) : null));

        WeightMatrix Composed(Parameter weight, Parameter? mix) => mix is null ? reader.Read(weight)
            : reader.Copy(Compose(mix, weight), (int)weight.Shape[^1]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Projections.Dispose();
        Output.Dispose();
        Keys?.Dispose();
        QueryKeyNorm?.Dispose();
        Values?.Dispose();
        KeyHeads?.Dispose();
        ValueHeads?.Dispose();
        Latent?.Dispose();
        HeadNorm?.Dispose();
    }

    private static float[] Floats(Parameter parameter) => WeightReader.Values(parameter);

    private static float[] Factors(Parameter parameter, AttentionOptions options) =>
        [.. Floats(parameter).Select(w => w + (float)options.QueryKeyNormOffset)];

    // W̃[g, :] = Σ_c mix[c, g] · W[c, :], a row per head (eq. 18); W itself without a mix. A dense mix composes g·d
    // heads of width 1. The order of the sum is the same on every processor. A product of tensors does not guarantee
    // this.
    private static float[] Compose(Parameter? mix, Parameter projection)
    {
        var components = Floats(projection);
        if (mix is null) return components;
        var factors = Floats(mix);                                                                // [c, heads]
        var count = (int)mix.Shape[0];
        var (heads, size) = (factors.Length / count, components.Length / count);
        var composed = new float[heads * size];
        for (var g = 0; g < heads; g++)
            for (var c = 0; c < count; c++)
                for (var i = 0; i < size; i++)
                    composed[(g * size) + i] += factors[(c * heads) + g] * components[(c * size) + i];
        return composed;
    }
}
