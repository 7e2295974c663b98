using System.ComponentModel.DataAnnotations;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;

namespace Crosshead.Attention;

/// <summary>
/// Shape and kind of an attention layer. Symbols: h query heads, g key/value heads, c component heads, d head width.
/// </summary>
public sealed record AttentionOptions
{
    private const int ShownDivisors = 8;

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
    /// How finely key components are mixed (<c>mea</c>, <c>mea-no-norm</c>). <c>frequency</c> needs fewer components
    /// than heads.
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
    public void Validate()
    {
        OptionRange.Check(this);
        OptionRange.RequireNamed(Variant, "variant");
        OptionRange.RequireNamed(KeyGrain, "keyGrain");
        OptionRange.RequireNamed(ValueGrain, "valueGrain");
        OptionRange.RequireNamed(Compose, "compose");
        OptionRange.RequireNamed(MixStart, "mixStart");
        OptionRange.RequireNamed(HeadNorm, "headNorm");
        OptionRange.RequireNamed(QueryKeyNormSpan, "queryKeyNormSpan");
        if (Heads % Groups != 0)
            throw new CrossheadException($"heads ({Heads}) must be a multiple of keyValueHeads ({Groups}); use "
                + $"{NearestDivisors(Heads, Groups)}.");
        if (HeadDim is { } d && d % 2 != 0)
            throw new CrossheadException(
                $"headDim ({d}) must be even, because rotary embedding turns pairs; use {d + 1}.");
        if (!Composes && (KeyComponents ?? ValueComponents) is { } c)
            throw new CrossheadException($"keyComponents and valueComponents ({c}) belong to the variants mea and "
                + $"mea-no-norm, not to this one; remove them.");
        if (KeyComponents is not null) Require(ComposesKeys, "keyComponents", "keys");
        if (ValueComponents is not null) Require(ComposesValues, "valueComponents", "values");
        if (KeyGrain == KeyGrain.Frequency && !(ComposesKeys && ProjectedKeyHeads < Groups * Ranks))
            throw new CrossheadException($"keyGrain frequency needs keys composed of fewer components than heads; set "
                + $"keyComponents to at most {Groups - 1} with the variant mea or mea-no-norm, or keyGrain to head.");
        if (ValueGrain == ValueGrain.Dense != ValueRank.HasValue)
            throw new CrossheadException($"valueGrain ({(ValueRank.HasValue ? "head" : "dense")}) and valueRank "
                + $"({ValueRank?.ToString() ?? "null"}) belong together: a rank with the grain dense, none with "
                + $"the grain head.");
        if (ValueRank is not null) Require(ComposesValues, "valueRank", "values");
        if (ValueRank is not null && ValueComponents is not null)
            throw new CrossheadException($"valueRank ({ValueRank}) and valueComponents ({ValueComponents}) are both "
                + $"set; the grain dense takes valueRank alone.");
        if (QueryKeyNorm && Variant is not (AttentionVariant.Gqa or AttentionVariant.MeaNoNorm))
            throw new CrossheadException(
                $"queryKeyNorm is for the variants gqa and mea-no-norm, not for {Variant.NameOf()}; set it to false.");
        if (!QueryKeyNorm && (QueryKeyNormSpan != QueryKeyNormSpan.Head || QueryKeyNormOffset != 0))
            throw new CrossheadException("queryKeyNormSpan and queryKeyNormOffset are set, but queryKeyNorm is false; "
                + "remove them, or set it to true.");
        if (ScoreCap is not null && !AttentionFactory.TraitsOf(Variant).HasComponents)
            throw new CrossheadException(
                $"scoreCap ({ScoreCap}) is not supported for the variant {Variant.NameOf()}; remove it.");
        if (Sinks && Variant is AttentionVariant.TalkingHeads or AttentionVariant.Differential)
            throw new CrossheadException($"sinks are not for the variant {Variant.NameOf()}; set sinks to false.");
        Latent?.Validate(this);
        if (!double.IsFinite(HeadNormStart))
            throw new CrossheadException(
                $"headNormStart ({HeadNormStart}) must be a finite number; the default is 0.05.");
        AttentionFactory.TraitsOf(Variant).Check(this);
    }

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
                + $"key/value heads; use {NearestDivisors(Groups, ranks)}.");
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

    // The divisors of a number, in order; of many those around another number.
    private static string NearestDivisors(int number, int around)
    {
        var divisors = Enumerable.Range(1, number).Where(n => number % n == 0).OrderBy(n => Math.Abs((long)n - around))
            .Take(ShownDivisors).Order().ToArray();
        return $"{string.Join(", ", divisors[..^1])}{(divisors.Length > 1 ? " or " : "")}{divisors[^1]}";
    }

    private static void Require(bool composed, string name, string part)
    {
        if (!composed)
            throw new CrossheadException($"{name} is set, but compose leaves the {part} alone; set compose to \"both\" "
                + $"or \"{part}\", or remove {name}.");
    }

    private static long Nearest(int value, int divisor) =>
        Math.Max(1, (long)Math.Round((double)value / divisor)) * divisor;
}
