using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>A parameter that every rank steps whole, with the gradients of all ranks.</summary>
/// <param name="bucket">The bucket, which has the sums of all ranks.</param>
/// <param name="place">The parameter.</param>
/// <param name="seen">Whether a parameter has a gradient in this step, by its index.</param>
internal sealed class WholeSum(GradientBucket bucket, Placement place, bool[] seen) : OptimizedSlice
{
    /// <inheritdoc/>
    public override string Name => place.Parameter.Name;

    /// <inheritdoc/>
    public override Tensor Value => place.Parameter.Value;

    /// <inheritdoc/>
    public override Tensor? Gradient => seen[place.Index]
        ? bucket.AllSums.narrow(0, place.Start, place.Count).view([.. place.Parameter.Shape]) : null;

    /// <inheritdoc/>
    public override Tensor PartOf(Tensor whole) => whole;
}
