using System.ComponentModel.DataAnnotations;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;

namespace Crosshead.Attention;

/// <summary>
/// Shape and kind of an attention layer. Symbols: h query heads, g key/value heads, c component heads, d head width.
/// </summary>
public sealed record AttentionOptions
{
    /// <summary>The attention mechanism.</summary>
    public AttentionVariant Variant { get; init; } = AttentionVariant.Gqa;

    /// <summary>Query heads h.</summary>
    [Range(1, 16_384)]
    public int Heads { get; init; } = 8;

    /// <summary>
    /// Key/value heads g, a divisor of h; query head i reads key/value head i div (h/g). Null: as many as query heads.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? KeyValueHeads { get; init; }

    /// <summary>
    /// Head width d, an even number because rotary embedding turns pairs. Null: <c>hiddenSize</c> / h.
    /// </summary>
    [Range(2, 65_536)]
    public int? HeadDim { get; init; }

    /// <summary>
    /// Component heads that the g key heads are composed of (<c>mea</c>, <c>mea-no-norm</c>). Fewer than g make the
    /// cache smaller. Null: g.
    /// </summary>
    [Range(1, 16_384)]
    public int? KeyComponents { get; init; }

    /// <summary>
    /// Component heads that the g value heads are composed of (<c>mea</c>, <c>mea-no-norm</c>). Fewer than g make the
    /// cache smaller. Null: g.
    /// </summary>
    [Range(1, 16_384)]
    public int? ValueComponents { get; init; }

    /// <summary>
    /// How finely key components are mixed (<c>mea</c>, <c>mea-no-norm</c>). <c>frequency</c> and <c>partial</c> need
    /// fewer components than heads.
    /// </summary>
    public KeyGrain KeyGrain { get; init; } = KeyGrain.Head;

    /// <summary>
    /// How finely value components are mixed (<c>mea</c>, <c>mea-no-norm</c>). <c>dense</c> goes with
    /// <see cref="ValueRank"/> in place of <see cref="ValueComponents"/>.
    /// </summary>
    public ValueGrain ValueGrain { get; init; } = ValueGrain.Head;

    /// <summary>
    /// How many numbers a token the value heads are composed of where <see cref="ValueGrain"/> is <c>dense</c>, less
    /// than g · d. Null: <see cref="ValueComponents"/> counts.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? ValueRank { get; init; }

    /// <summary>Whether queries, keys and values have biases, as in Qwen 2.</summary>
    public bool ProjectionBias { get; init; }

    /// <summary>Whether the output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>
    /// Whether queries and keys are normed before they are rotated, as in Qwen 3 (<c>gqa</c>, <c>mea-no-norm</c>).
    /// </summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>What the norms of queries and keys add to the mean square, so that they never divide by 0.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double QueryKeyNormEpsilon { get; init; } = 1e-6;

    /// <summary>What the norms of queries and keys span (<c>queryKeyNorm</c>).</summary>
    public QueryKeyNormSpan QueryKeyNormSpan { get; init; } = QueryKeyNormSpan.Head;

    /// <summary>
    /// What is added to the weights of the norms of queries and keys before they multiply: 1 in Gemma
    /// (<c>queryKeyNorm</c>).
    /// </summary>
    [Range(0.0, 1.0)]
    public double QueryKeyNormOffset { get; init; }

    /// <summary>What the scores of queries and keys are multiplied by. Null: 1/√d.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double? ScoreScale { get; init; }

    /// <summary>
    /// The scores s become cap · tanh(s / cap) before the softmax, as in Gemma 2. Null: they stay. Not for
    /// <c>talking-heads</c> and <c>differential</c>.
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double? ScoreCap { get; init; }

    /// <summary>
    /// How many tokens a query sees at most, its own among them. Null: all earlier ones. Not for <c>differential</c>.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? SlidingWindow { get; init; }

    /// <summary>
    /// Whether each head has a sink, as in gpt-oss: one more score in the softmax, learned, that has no value (not for
    /// <c>talking-heads</c> and <c>differential</c>).
    /// </summary>
    public bool Sinks { get; init; }

    /// <summary>
    /// Latent attention, as in DeepSeek V3: heads are made of a small latent vector a token, and the cache keeps that
    /// alone (<c>gqa</c>). <see cref="HeadDim"/> is the width of the rotated part then. Null: heads are projected.
    /// </summary>
    public LatentOptions? Latent { get; init; }

    /// <summary>Whether keys, values or both are composed (<c>mea</c>, <c>mea-no-norm</c>).</summary>
    public ComposedParts Compose { get; init; } = ComposedParts.Both;

    /// <summary>
    /// How the mixes start, the factors that compose heads from components (<c>mea</c>, <c>mea-no-norm</c>).
    /// </summary>
    public MixStart MixStart { get; init; } = MixStart.Auto;

    /// <summary>Which weights the norm of the heads' outputs has (<c>groupnorm</c>, <c>mea</c>).</summary>
    public HeadNormKind HeadNorm { get; init; } = HeadNormKind.Shared;

    /// <summary>
    /// Where the weights of the head norm start (<c>groupnorm</c>, <c>mea</c>). At 1, a head's small output would be
    /// blown up early in training.
    /// </summary>
    public double HeadNormStart { get; init; } = 0.05;

    /// <summary>
    /// What the head norm, and the norm in <c>differential</c>, add to the mean square, so that they never divide by 0.
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double HeadNormEpsilon { get; init; } = 1e-5;

    /// <summary>Key/value heads g, with the default resolved.</summary>
    public int Groups => KeyValueHeads ?? Heads;

    /// <summary>Number of ranks that share the layer's heads out; with several, these are the options of one's
    /// part.</summary>
    internal int Ranks { get; init; } = 1;

    /// <summary>Width of the part of each head that the layer rotates; null for all of it.</summary>
    internal int? Rotated { get; init; }

    /// <summary>Width of the part of each key head whose components take one number per frequency. The rest takes
    /// matrices.</summary>
    internal int FrequencyWidth(int headDim) => KeyGrain == KeyGrain.Partial ? Rotated ?? headDim : headDim;

    internal bool Composes => Variant is AttentionVariant.Mea or AttentionVariant.MeaNoNorm;

    /// <summary>Whether key heads are composed of components.</summary>
    public bool ComposesKeys => Composes && Compose != ComposedParts.Values;

    /// <summary>Whether value heads are composed of components.</summary>
    public bool ComposesValues => Composes && Compose != ComposedParts.Keys;

    internal bool HasHeadNorm =>
        Variant is AttentionVariant.Mea or AttentionVariant.GroupNorm && HeadNorm != HeadNormKind.None;

    /// <summary>Number of key heads that are projected: components, or g where keys are not composed.</summary>
    internal int ProjectedKeyHeads => ComposesKeys ? KeyComponents ?? Groups : Groups;

    /// <summary>
    /// Number of value heads that are projected, as for keys, unless there is a <see cref="ValueRank"/>.
    /// </summary>
    internal int ProjectedValueHeads => ComposesValues ? ValueComponents ?? Groups : Groups;

    /// <summary>
    /// Whether key components carry the weight of the norm of keys, see <see cref="Attention.KeyFactors"/>. Then they
    /// are kept in place of the heads, unless a rank has so few heads that it keeps these.
    /// </summary>
    internal bool ComponentsCarryNorm(int headDim) =>
        QueryKeyNorm && ProjectedKeys(headDim) < checked(Groups * Ranks * headDim);

    /// <summary>Rows of the key projection.</summary>
    internal int ProjectedKeys(int headDim) => checked(ProjectedKeyHeads * headDim);

    /// <summary>Rows of the value projection.</summary>
    internal int ProjectedValues(int headDim) => ValueRank ?? checked(ProjectedValueHeads * headDim);

    /// <summary>Head width for a model of the given width.</summary>
    /// <exception cref="CrossheadException">The width is not a multiple of the heads and no head width is
    /// given.</exception>
    public int HeadDimFor(int hiddenSize)
    {
        if (HeadDim is { } given) return given;
        if (Heads < 1) OptionRange.Check(this);
        if (hiddenSize % Heads != 0)
            throw new CrossheadException($"hiddenSize ({hiddenSize}) must be a multiple of heads ({Heads}); use "
                + $"{Nearest(hiddenSize, Heads)}, or set headDim.");
        return hiddenSize / Heads;
    }

    /// <summary>What decoding keeps per token in a layer of these options.</summary>
    /// <param name="hiddenSize">Model width D.</param>
    /// <exception cref="CrossheadException">The width is not a multiple of the heads and no head width is
    /// given.</exception>
    public CacheLayout CacheLayoutFor(int hiddenSize)
    {
        var d = HeadDimFor(hiddenSize);
        if (Latent is { } latent) return new CacheLayout(new(1, d), new(1, latent.Kept, AreComponents: true));
        // Components are kept where they are fewer numbers than the heads. Otherwise the heads are kept.
        CachedRows Rows(int projected, int headsPerRow) => projected < Groups * d
            ? new CachedRows(1, projected, AreComponents: true)
            : new CachedRows(Groups / headsPerRow, headsPerRow * d);
        var keys = Rows(ProjectedKeys(d), headsPerRow: 1);
        var values = Rows(ProjectedValues(d), AttentionFactory.TraitsOf(Variant).ValueHeadsPerRow);
        return new CacheLayout(keys, values, keys.AreComponents && QueryKeyNorm ? Groups : 0);
    }

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names both values and the remedy.</exception>
    public void Validate() => AttentionChecks.Run(this);

    /// <summary>The options of one of several ranks that share the heads out. A rank has all components, and composes
    /// its own heads of them.</summary>
    /// <param name="ranks">Number of ranks, a divisor of the key/value heads.</param>
    /// <param name="hiddenSize">Model width D.</param>
    /// <exception cref="CrossheadException">The heads cannot be shared out among so many; the message says
    /// why.</exception>
    internal AttentionOptions PartOf(int ranks, int hiddenSize)
    {
        if (!AttentionFactory.TraitsOf(Variant).HasComponents)
            throw new CrossheadException($"{MessageTerm.TensorParallel} ({ranks}) is not for the variant "
                + $"{Variant.NameOf()}, whose heads need each other; leave it out.");
        if (QueryKeyNorm && QueryKeyNormSpan == QueryKeyNormSpan.AllHeads)
            throw new CrossheadException($"{MessageTerm.TensorParallel} ({ranks}) is not for models whose norm of "
                + "queries and keys spans all heads; leave it out.");
        if (Groups % ranks != 0)
            throw new CrossheadException($"{MessageTerm.TensorParallel} ({ranks}) must divide the model's {Groups} "
                + $"key/value heads; use {AttentionChecks.NearestDivisors(Groups, ranks)}.");
        return this with
        {
            Heads = Heads / ranks,
            KeyValueHeads = Groups / ranks,
            HeadDim = HeadDimFor(hiddenSize),
            KeyComponents = ComposesKeys ? ProjectedKeyHeads : null,
            ValueComponents = ComposesValues && ValueRank is null ? ProjectedValueHeads : null,
            Ranks = ranks,
        };
    }

    private static long Nearest(int value, int divisor) =>
        Math.Max(1, (long)Math.Round((double)value / divisor)) * divisor;
}
