namespace Crosshead.Layers;

/// <summary>A mixture of experts: which layers are one, and of what.</summary>
public sealed record ExpertOptions
{
    /// <summary>Experts E of a sparse layer.</summary>
    public int Count { get; init; } = 8;

    /// <summary>Experts k that each token is given, at most E.</summary>
    public int PerToken { get; init; } = 2;

    /// <summary>Inner width of an expert.</summary>
    public int InnerSize { get; init; } = 256;

    /// <summary>Whether the probabilities of a token's experts are divided by their sum.</summary>
    public bool Renormalize { get; init; } = true;

    /// <summary>Every so many layers one is sparse: layer i where (i + 1) is a multiple; 1 for all.</summary>
    public int Step { get; init; } = 1;

    /// <summary>Layers, from 0, that are dense whatever <see cref="Step"/> says; null for none.</summary>
    public IReadOnlyList<int>? DenseLayers { get; init; }

    /// <summary>Whether a layer is sparse.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    public bool IsSparse(int layer) => (layer + 1) % Step == 0 && DenseLayers?.Contains(layer) != true;

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        AtLeastOne(Count, "count");
        AtLeastOne(PerToken, "perToken");
        AtLeastOne(InnerSize, "innerSize");
        AtLeastOne(Step, "step");
        if (PerToken > Count)
            throw new CrossheadException($"experts.perToken ({PerToken}) is more than experts.count ({Count}); use at most {Count}.");
    }

    private static void AtLeastOne(int value, string name)
    {
        if (value < 1) throw new CrossheadException($"experts.{name} ({value}) must be at least 1.");
    }
}
