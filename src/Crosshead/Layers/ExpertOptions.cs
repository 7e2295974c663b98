using System.ComponentModel.DataAnnotations;

namespace Crosshead.Layers;

/// <summary>A mixture of experts: which layers are one, and of what.</summary>
public sealed record ExpertOptions
{
    /// <summary>Experts of a layer.</summary>
    [Range(1, 65_536)]
    public int Count { get; init; } = 8;

    /// <summary>Experts that each token goes through, at most <see cref="Count"/>.</summary>
    [Range(1, int.MaxValue)]
    public int PerToken { get; init; } = 2;

    /// <summary>Inner width of an expert.</summary>
    [Range(1, int.MaxValue)]
    public int InnerSize { get; init; } = 256;

    /// <summary>Whether the weights of a token's experts are scaled to a sum of 1.</summary>
    public bool Renormalize { get; init; } = true;

    /// <summary>
    /// Every how many layers one has experts. 1: all layers; 2: every second one, from the second on.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Step { get; init; } = 1;

    /// <summary>Layers, counted from 0, that have no experts whatever <see cref="Step"/> says. Null: none.</summary>
    public IReadOnlyList<int>? DenseLayers { get; init; }

    /// <summary>Whether a layer is sparse.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    public bool IsSparse(int layer) => (layer + 1) % Step == 0 && DenseLayers?.Contains(layer) != true;

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        OptionRange.Check(this, "experts.");
        if (PerToken > Count)
            throw new CrossheadException(
                $"experts.perToken ({PerToken}) is more than experts.count ({Count}); use at most {Count}.");
    }
}
