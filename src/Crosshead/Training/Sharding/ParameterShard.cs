using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>The part of a parameter that lies in a rank's run.</summary>
internal sealed class ParameterShard : OptimizedSlice
{
    private readonly GradientBucket _bucket;
    private readonly Placement _place;
    private readonly long _start, _count;
    private readonly bool[] _seen;
    private readonly Tensor _value;
    private readonly Tensor? _copy;

    /// <summary>A part of a parameter.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="place">The parameter.</param>
    /// <param name="rank">This rank, whose run has a part of it.</param>
    /// <param name="seen">Whether a parameter has a gradient in this step, by its index.</param>
    public ParameterShard(GradientBucket bucket, Placement place, int rank, bool[] seen)
    {
        (_bucket, _place, _seen) = (bucket, place, seen);
        (_start, _count) = bucket.Plan.PartOf(place, rank);
        _value = bucket.OwnPart(bucket.Masters!, place).DetachFromDisposeScope();
        if (bucket is { OwnValues: { } own, Plan.Types: { Value: ScalarType.BFloat16, Master: ScalarType.Float32 } })
            _copy = bucket.OwnPart(own, place).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override string Name => _place.Parameter.Name;

    /// <inheritdoc/>
    public override Tensor Value => _value;

    /// <inheritdoc/>
    public override Tensor? Gradient => _seen[_place.Index] ? _bucket.OwnPart(_bucket.Sums, _place) : null;

    /// <inheritdoc/>
    public override Tensor? Copy => _copy;

    /// <inheritdoc/>
    public override long Start => _start;

    /// <inheritdoc/>
    public override Tensor PartOf(Tensor whole) => whole.flatten().narrow(0, _start, _count);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _value.Dispose();
        _copy?.Dispose();
        base.Dispose();
    }
}
