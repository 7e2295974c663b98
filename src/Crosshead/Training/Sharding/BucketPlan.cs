using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// Parameters whose gradients travel together. They lie one after the other, and are cut between blocks into one run
/// for each rank.
/// </summary>
/// <param name="Parameters">The parameters, in order.</param>
/// <param name="Types">Their types.</param>
/// <param name="Bounds">The first element of each rank's run, and the end of the last: ranks + 1 numbers.</param>
internal sealed record BucketPlan(IReadOnlyList<Placement> Parameters, ParameterTypes Types,
    IReadOnlyList<long> Bounds)
{
    // Parameters begin at multiples of this many elements, because kernels read aligned memory.
    private const long Alignment = 64;

    /// <summary>Elements of all runs.</summary>
    public long Length => Bounds[^1];

    /// <summary>Elements of each rank's run.</summary>
    public long[] Counts { get; } = [.. Bounds.Zip(Bounds.Skip(1), (start, end) => end - start)];

    /// <summary>The layers of its parameters; null for the embedding, the last norm and the head.</summary>
    public (int First, int Last)? Layers { get; } = Parameters.Select(p => p.Layer).Min() is { } first
        ? (first, Parameters.Max(p => p.Layer)!.Value) : null;

    /// <summary>The part of a parameter that lies in a rank's run: elements of the parameter.</summary>
    /// <returns>The first element, and how many there are; 0 for none.</returns>
    public (long Start, long Count) PartOf(Placement place, int rank)
    {
        var (start, end) = (Math.Max(Bounds[rank], place.Start), Math.Min(Bounds[rank + 1], place.End));
        return end > start ? (start - place.Start, end - start) : (0, 0);
    }

    /// <summary>The blocks of a parameter that lie in a rank's run, counted from the parameter's first.</summary>
    public IEnumerable<int> BlocksOf(Placement place, int rank)
    {
        var (start, count) = PartOf(place, rank);
        return Enumerable.Range((int)(start / TensorBlock.Length),
            (int)((count + TensorBlock.Length - 1) / TensorBlock.Length));
    }

    /// <summary>Copies elements of the bucket from tensors of its parameters; gaps become 0.</summary>
    /// <param name="tensors">[n] for each parameter, in order; null for zeros.</param>
    /// <param name="start">The first element.</param>
    /// <param name="target">[elements]; written.</param>
    public void CopyTo(IReadOnlyList<Tensor?> tensors, long start, Tensor target)
    {
        var end = start + target.NumberOfElements;
        for (var i = 0; i < Parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            var (place, next) = (Parameters[i], i + 1 < Parameters.Count ? Parameters[i + 1].Start : Length);
            if (next <= start || place.Start >= end) continue;
            var (from, to) = (Math.Max(start, place.Start), Math.Min(end, place.End));
            if (tensors[i] is { } tensor && to > from)
                target.narrow(0, from - start, to - from).copy_(tensor.narrow(0, from - place.Start, to - from));
            else to = from;
            if (Math.Min(end, next) is var gap && gap > to) target.narrow(0, to - start, gap - to).zero_();
        }
    }

    /// <summary>Puts parameters into a bucket.</summary>
    /// <param name="parameters">The parameters, wherever they begin.</param>
    /// <param name="types">Their types.</param>
    /// <param name="ranks">Number of runs.</param>
    public static BucketPlan Of(IReadOnlyList<Placement> parameters, ParameterTypes types, int ranks)
    {
        var (placed, end) = (new List<Placement>(), 0L);
        foreach (var parameter in parameters)
        {
            placed.Add(parameter with { Start = end });
            end = (placed[^1].End + Alignment - 1) / Alignment * Alignment;
        }
        long[] starts = [.. placed.SelectMany(p => Enumerable.Range(0, p.Blocks)
            .Select(b => p.Start + ((long)b * TensorBlock.Length)))];
        // The first block that begins at or behind a rank's share of all elements.
        long Bound(int rank) => rank == 0 ? 0
            : starts.Select(s => (long?)s).FirstOrDefault(s => (Int128)s!.Value * ranks >= (Int128)end * rank) ?? end;
        return new BucketPlan(placed, types, [.. Enumerable.Range(0, ranks).Select(Bound), end]);
    }
}
