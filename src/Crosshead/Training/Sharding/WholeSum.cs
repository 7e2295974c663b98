using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>A parameter that every rank steps whole, with the gradients of all ranks.</summary>
internal sealed class WholeSum : OptimizedSlice
{
    private readonly Placement _place;
    private readonly bool[] _seen;
    private readonly Tensor _gradient;

    /// <summary>A parameter.</summary>
    /// <param name="bucket">The bucket, which has the sums of all ranks.</param>
    /// <param name="place">The parameter.</param>
    /// <param name="seen">Whether a parameter has a gradient in this step, by its index.</param>
    public WholeSum(GradientBucket bucket, Placement place, bool[] seen)
    {
        (_place, _seen) = (place, seen);
        using var scope = NewDisposeScope();
        _gradient = bucket.AllSums!.narrow(0, place.Start, place.Count).view([.. place.Parameter.Shape])
            .DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override string Name => _place.Parameter.Name;

    /// <inheritdoc/>
    public override Tensor Value => _place.Parameter.Value;

    /// <inheritdoc/>
    public override Tensor? Gradient => _seen[_place.Index] ? _gradient : null;

    /// <inheritdoc/>
    public override Tensor PartOf(Tensor whole) => whole;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _gradient.Dispose();
        base.Dispose();
    }
}
