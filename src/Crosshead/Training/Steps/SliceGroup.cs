namespace Crosshead.Training.Steps;

/// <summary>What a rank steps of a <see cref="ParameterGroup"/>.</summary>
/// <param name="Slices">Parameters, or parts of them.</param>
/// <param name="WeightDecay">Their decoupled weight decay.</param>
/// <param name="RateFactor">Their learning rate, in multiples of the step's.</param>
internal sealed record SliceGroup(IReadOnlyList<OptimizedSlice> Slices, double WeightDecay, double RateFactor)
{
    /// <summary>All of a group's parameters.</summary>
    public static SliceGroup Whole(ParameterGroup group) =>
        new([.. group.Parameters.Select(p => new WholeParameter(p))], group.WeightDecay, group.RateFactor);
}
