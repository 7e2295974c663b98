namespace Crosshead.Attention;

/// <summary>Shape and kind of an attention layer. Symbols: h query heads, g key/value heads, c component heads, d head width.</summary>
public sealed record AttentionOptions
{
    /// <summary>The mechanism.</summary>
    public AttentionVariant Variant { get; init; } = AttentionVariant.Gqa;

    /// <summary>Query heads h, at least 1.</summary>
    public int Heads { get; init; } = 8;

    /// <summary>Key/value heads g, a divisor of h; query head i reads head i div (h/g). Null for h.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>Head width d, even (RoPE rotates pairs). Null for model width / h.</summary>
    public int? HeadDim { get; init; }

    /// <summary>Component key heads c that the g key heads are composed of; null for g. Only for <c>mea</c> and <c>mea-no-norm</c>.</summary>
    public int? KeyComponents { get; init; }

    /// <summary>Component value heads c that the g value heads are composed of; null for g. Only for <c>mea</c> and <c>mea-no-norm</c>.</summary>
    public int? ValueComponents { get; init; }

    /// <summary>What multiplies a key component (<c>mea</c>, <c>mea-no-norm</c>); frequency only with fewer components than heads.</summary>
    public KeyGrain KeyGrain { get; init; } = KeyGrain.Head;

    /// <summary>What multiplies a value component (<c>mea</c>, <c>mea-no-norm</c>); dense with <see cref="ValueRank"/> in place of <see cref="ValueComponents"/>.</summary>
    public ValueGrain ValueGrain { get; init; } = ValueGrain.Head;

    /// <summary>Numbers that the value heads are composed of where the grain is dense: any number below g·d.</summary>
    public int? ValueRank { get; init; }

    /// <summary>Whether the query, key and value projections have biases (Qwen 2).</summary>
    public bool ProjectionBias { get; init; }

    /// <summary>Whether the output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether each query and key head is normed before it is rotated (Qwen 3); for <c>gqa</c> and <c>mea-no-norm</c>.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Added to the mean square in the norms of queries and keys.</summary>
    public double QueryKeyNormEpsilon { get; init; } = 1e-6;

    /// <summary>Most tokens that a query sees, itself among them; null for all before it.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Which of keys and values are composed (<c>mea</c>, <c>mea-no-norm</c>).</summary>
    public ComposedParts Compose { get; init; } = ComposedParts.Both;

    /// <summary>How the mixes start (<c>mea</c>, <c>mea-no-norm</c>).</summary>
    public MixStart MixStart { get; init; } = MixStart.Auto;

    /// <summary>Weights of the norm on the heads' outputs (<c>groupnorm</c>, <c>mea</c>).</summary>
    public HeadNormKind HeadNorm { get; init; } = HeadNormKind.Shared;

    /// <summary>Where the HeadNorm weights start. At 1 a head's small averaged value is blown up early in training.</summary>
    public double HeadNormStart { get; init; } = 0.05;

    /// <summary>Added to the mean square in HeadNorm and in the differential subnorm.</summary>
    public double HeadNormEpsilon { get; init; } = 1e-5;

    /// <summary>g, with its default resolved.</summary>
    internal int Groups => KeyValueHeads ?? Heads;

    internal bool Composes => Variant is AttentionVariant.Mea or AttentionVariant.MeaNoNorm;

    internal bool ComposesKeys => Composes && Compose != ComposedParts.Values;

    internal bool ComposesValues => Composes && Compose != ComposedParts.Keys;

    internal bool HasHeadNorm => Variant is AttentionVariant.Mea or AttentionVariant.GroupNorm && HeadNorm != HeadNormKind.None;

    /// <summary>Component key heads with the default resolved: g where keys are not composed.</summary>
    internal int KeyRows => ComposesKeys ? KeyComponents ?? Groups : Groups;

    /// <summary>Component value heads with the default resolved: g where values are not composed.</summary>
    internal int ValueRows => ComposesValues ? ValueComponents ?? Groups : Groups;

    /// <summary>Component key numbers a token.</summary>
    internal int KeyWidth(int headDim) => KeyRows * headDim;

    /// <summary>Component value numbers a token.</summary>
    internal int ValueWidth(int headDim) => ValueRank ?? (ValueRows * headDim);

    /// <summary>Head width for a model of the given width.</summary>
    /// <exception cref="CrossheadException">The width is not a multiple of the heads and no head width is given.</exception>
    public int HeadDimFor(int hiddenSize)
    {
        if (HeadDim is { } given) return given;
        if (hiddenSize % Heads != 0)
            throw new CrossheadException($"hiddenSize ({hiddenSize}) must be a multiple of heads ({Heads}); use {Nearest(hiddenSize, Heads)}, or set headDim.");
        return hiddenSize / Heads;
    }

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names both values and the remedy.</exception>
    public void Validate()
    {
        Positive(Heads, "heads");
        Positive(Groups, "keyValueHeads");
        if (Heads % Groups != 0)
            throw new CrossheadException($"heads ({Heads}) must be a multiple of keyValueHeads ({Groups}); use {string.Join(", ", Enumerable.Range(1, Heads).Where(n => Heads % n == 0))}.");
        if (HeadDim is { } d && (d < 2 || d % 2 != 0))
            throw new CrossheadException($"headDim ({d}) must be even and at least 2, because rotary embedding turns pairs; use {Math.Max(2, d + 1)}.");
        if (Variant == AttentionVariant.Differential && (Groups % 2 != 0 || Heads % 2 != 0))
            throw new CrossheadException($"differential attention pairs heads: heads ({Heads}) and keyValueHeads ({Groups}) must be even.");
        if (!Composes && (KeyComponents ?? ValueComponents) is { } c)
            throw new CrossheadException($"keyComponents and valueComponents ({c}) belong to the variants mea and mea-no-norm, not to this one; remove them.");
        if (KeyComponents is { } ck) { Positive(ck, "keyComponents"); Require(ComposesKeys, "keyComponents", "keys"); }
        if (ValueComponents is { } cv) { Positive(cv, "valueComponents"); Require(ComposesValues, "valueComponents", "values"); }
        if (KeyGrain == KeyGrain.Frequency && !(ComposesKeys && KeyRows < Groups))
            throw new CrossheadException($"keyGrain frequency needs keys composed of fewer components than heads; set keyComponents to at most {Groups - 1} with the variant mea or mea-no-norm, or keyGrain to head.");
        if (ValueGrain == ValueGrain.Dense != ValueRank.HasValue)
            throw new CrossheadException($"valueGrain ({(ValueRank.HasValue ? "head" : "dense")}) and valueRank ({ValueRank?.ToString() ?? "null"}) belong together: a rank with the grain dense, none with the grain head.");
        if (ValueRank is { } rank) { Positive(rank, "valueRank"); Require(ComposesValues, "valueRank", "values"); }
        if (ValueRank is not null && ValueComponents is not null)
            throw new CrossheadException($"valueRank ({ValueRank}) and valueComponents ({ValueComponents}) are both set; the grain dense takes valueRank alone.");
        if (QueryKeyNorm && Variant is not (AttentionVariant.Gqa or AttentionVariant.MeaNoNorm))
            throw new CrossheadException($"queryKeyNorm is for the variants gqa and mea-no-norm, not for {Variant.NameOf()}; set it to false.");
        if (!(QueryKeyNormEpsilon > 0) || !double.IsFinite(QueryKeyNormEpsilon))
            throw new CrossheadException($"queryKeyNormEpsilon ({QueryKeyNormEpsilon}) must be above 0; the default is 1e-6.");
        if (SlidingWindow is { } window) Positive(window, "slidingWindow");
        if (SlidingWindow is not null && Variant == AttentionVariant.Differential)
            throw new CrossheadException("slidingWindow is not supported for differential attention; remove it.");
        if (!double.IsFinite(HeadNormStart))
            throw new CrossheadException($"headNormStart ({HeadNormStart}) must be a finite number; the default is 0.05.");
        if (!(HeadNormEpsilon > 0) || !double.IsFinite(HeadNormEpsilon))
            throw new CrossheadException($"headNormEpsilon ({HeadNormEpsilon}) must be above 0; the default is 1e-5.");
    }

    private static void Positive(int value, string name)
    {
        if (value < 1) throw new CrossheadException($"{name} ({value}) must be at least 1.");
    }

    private static void Require(bool composed, string name, string part)
    {
        if (!composed) throw new CrossheadException($"{name} is set, but compose leaves the {part} alone; set compose to \"both\" or \"{part}\", or remove {name}.");
    }

    private static int Nearest(int value, int divisor) => Math.Max(1, (int)Math.Round((double)value / divisor)) * divisor;
}
