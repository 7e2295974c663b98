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

    /// <summary>How the router's logits become the weights of experts.</summary>
    public ExpertScoring Scoring { get; init; } = ExpertScoring.Softmax;

    /// <summary>Whether the weights of a token's experts are scaled to a sum of 1.</summary>
    public bool Renormalize { get; init; } = true;

    /// <summary>What all weights are multiplied by at last, as in DeepSeek V3.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double WeightFactor { get; init; } = 1;

    /// <summary>Whether the router's logits have a bias, as in gpt-oss.</summary>
    public bool RouterBias { get; init; }

    /// <summary>
    /// Whether each expert has a number that is added to its weight while experts are chosen, and only then, as in
    /// DeepSeek V3.
    /// </summary>
    public bool ChoiceBias { get; init; }

    /// <summary>
    /// Groups of neighbouring experts, a divisor of <see cref="Count"/>. A token's experts come from its best groups; a
    /// group is as good as the sum of its two best experts. 1: no groups.
    /// </summary>
    [Range(1, 65_536)]
    public int Groups { get; init; } = 1;

    /// <summary>Groups that a token's experts come from, at most <see cref="Groups"/>.</summary>
    [Range(1, 65_536)]
    public int GroupsPerToken { get; init; } = 1;

    /// <summary>
    /// Experts that every token goes through besides, with weight 1. They are one layer, as wide as all of them.
    /// </summary>
    [Range(0, 65_536)]
    public int Shared { get; init; }

    /// <summary>Whether the experts' projections have biases.</summary>
    public bool Bias { get; init; }

    /// <summary>
    /// Where gates and values of an expert are cut off, as in gpt-oss; see <see cref="ClampedSwiGlu"/>. Null: experts
    /// are plain SwiGLU.
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double? SwiGluLimit { get; init; }

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

    /// <summary>Inner width of the layer of the <see cref="Shared"/> experts.</summary>
    /// <exception cref="CrossheadException">No number counts it.</exception>
    public int SharedInnerSize => (long)Shared * InnerSize <= int.MaxValue ? Shared * InnerSize
        : throw new CrossheadException($"experts.shared ({Shared}) of experts.innerSize ({InnerSize}) each are more "
            + $"than {int.MaxValue} wide; use fewer.");

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        OptionRange.Check(this, "experts.");
        if (PerToken > Count)
            throw new CrossheadException(
                $"experts.perToken ({PerToken}) is more than experts.count ({Count}); use at most {Count}.");
        OptionRange.RequireNamed(Scoring, "experts.scoring");
        if (Count % Groups != 0)
            throw new CrossheadException($"experts.count ({Count}) must be a multiple of experts.groups ({Groups}).");
        if (GroupsPerToken > Groups)
            throw new CrossheadException($"experts.groupsPerToken ({GroupsPerToken}) is more than experts.groups "
                + $"({Groups}); use at most {Groups}.");
        var reachable = Count / Groups * GroupsPerToken;
        if (PerToken > reachable)
            throw new CrossheadException($"experts.perToken ({PerToken}) is more than the {reachable} experts of "
                + $"{GroupsPerToken} groups (experts.groupsPerToken); use at most {reachable}.");
        if (Groups > 1 && Count == Groups)
            throw new CrossheadException($"experts.groups ({Groups}) have one expert each; a group needs at least two, "
                + "because its two best experts say how good it is.");
        _ = SharedInnerSize;
    }
}
