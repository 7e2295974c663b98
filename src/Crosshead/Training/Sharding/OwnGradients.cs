using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>The gradients of a bucket that this rank has computed, and where they can be read.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Gradients">[n] for each parameter, null for zeros; empty if the bucket has local sums.</param>
/// <param name="Whole">[all]: all of them as they are sent, if they lie so already.</param>
/// <param name="IsDirect">Whether this rank's part can be added from where it is: all gradients are there, dense,
/// without gaps, in the type in which they are sent.</param>
internal sealed record OwnGradients(GradientBucket Bucket, Tensor?[] Gradients, Tensor? Whole, bool IsDirect)
{
    /// <summary>Looks at gradients.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="gradients">As <see cref="Gradients"/>.</param>
    public static OwnGradients Of(GradientBucket bucket, Tensor?[] gradients)
    {
        if (bucket.LocalSums is { } sums) return new(bucket, gradients, sums, true);
        var direct = bucket.Plan.Parameters.Sum(p => p.Count) == bucket.Plan.Length
            && Array.TrueForAll(gradients, g => g is not null && g.dtype == bucket.WireType && g.is_contiguous());
        var whole = direct && gradients.Length == 1 ? gradients[0] : null;
        return new(bucket, gradients, whole,
            whole is not null || (direct && bucket.Plan.Types.Master == ScalarType.Float32));
    }

    /// <summary>Copies elements of the bucket; gaps become 0.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="target">[elements]; written.</param>
    public void CopyTo(long start, Tensor target) => Bucket.Plan.CopyTo(Gradients, start, target);

    /// <summary>The gradients within a stretch of the bucket, where each begins in it; views.</summary>
    /// <param name="start">First element of the stretch.</param>
    /// <param name="count">Its elements.</param>
    public IEnumerable<(long At, Tensor Gradient)> Within(long start, long count)
    {
        foreach (var (place, gradient) in Bucket.Plan.Parameters.Zip(Gradients))
        {
            var (from, to) = (Math.Max(start, place.Start), Math.Min(start + count, place.End));
            if (to > from) yield return (from - start, gradient!.narrow(0, from - place.Start, to - from));
        }
    }
}
