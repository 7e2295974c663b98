using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Steps;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// The norm and the losses of a step of several ranks, from one gather: each rank gives the sums of squares of its
/// blocks and what it measured of its micro-batches. All are added in the order in which one rank has them.
/// </summary>
internal sealed class StepMeasures : IDisposable
{
    private readonly GradientBucket[] _buckets;
    private const int Numbers = 2; // of a micro-batch

    private readonly long[] _counts; // of each rank: what it measured, then blocks
    private readonly Tensor _order; // [micro-batches · numbers] places in what is gathered
    private readonly Tensor? _blockOrder; // [blocks]; null where every rank has all gradients
    private readonly Dictionary<GradientBucket, Tensor> _squares = []; // [blocks of the run] of each bucket
    private readonly HashSet<GradientBucket> _done = []; // whose squares have been added up in this step

    /// <summary>Prepares the gather.</summary>
    /// <param name="plan">What lies where.</param>
    /// <param name="buckets">This rank's buckets.</param>
    /// <param name="microBatches">Micro-batches of a step.</param>
    /// <param name="ranks">The ranks.</param>
    /// <param name="whole">Whether every rank has all gradients.</param>
    public StepMeasures(ShardPlan plan, GradientBucket[] buckets, int microBatches, ICommunicator ranks, bool whole)
    {
        _buckets = buckets;
        _counts = new long[ranks.Ranks];
        var (measured, blocks, next) = (new long[microBatches * Numbers], new long[plan.Blocks], 0);
        for (var rank = 0; rank < ranks.Ranks; rank++)
        {
            var begin = next;
            for (var i = rank; i < microBatches; i += ranks.Ranks)
                for (var number = 0; number < Numbers; number++) measured[(i * Numbers) + number] = next++;
            if (!whole)
            {
                foreach (var bucket in plan.Buckets)
                    foreach (var place in bucket.Parameters)
                        foreach (var block in bucket.BlocksOf(place, rank)) blocks[place.FirstBlock + block] = next++;
            }
            _counts[rank] = next - begin;
        }
        var device = buckets[0].Device;
        _order = tensor(measured, device: device).DetachFromDisposeScope();
        if (whole) return;
        _blockOrder = tensor(blocks, device: device).DetachFromDisposeScope();
        foreach (var bucket in buckets)
            _squares.Add(bucket, zeros(bucket.BlockStarts.NumberOfElements - 1, ScalarType.Float64, device)
                .DetachFromDisposeScope());
    }

    /// <summary>Adds up the squares of a bucket whose sums are complete, beside the computation.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="exchange">What completed its sums.</param>
    public void Square(GradientBucket bucket, TensorExchange exchange)
    {
        if (_blockOrder is null || bucket.Sums.dtype == ScalarType.Float64 || !_done.Add(bucket)) return;
        exchange.Then(() => BlockSquares.Fill(bucket.Sums, bucket.BlockStarts, _squares[bucket]));
    }

    /// <summary>The norm, a float64 scalar, and what was measured of all micro-batches [micro-batches, 2].</summary>
    /// <param name="measured">[own, 2] float64.</param>
    /// <param name="optimizer">This rank's.</param>
    /// <param name="exchange">Exchanges tensors of the device.</param>
    public (Tensor Norm, Tensor Measured) Gather(Tensor measured, AdamW optimizer, TensorExchange exchange)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        measured = measured.flatten();
        var own = _blockOrder is null ? measured : cat([measured, .. _buckets.Select(Squares)]);
        _done.Clear();
        var all = zeros(_counts.Sum(), ScalarType.Float64, measured.device);
        exchange.AllGather(own, all, _counts);
        exchange.Wait();
        var inOrder = all.index_select(0, _order).view(-1, Numbers).MoveToOuterDisposeScope();
        if (_blockOrder is null) return (optimizer.GradientNorm().MoveToOuterDisposeScope(), inOrder);
        var total = zeros([], ScalarType.Float64, measured.device);
        BlockSquares.Total(all.index_select(0, _blockOrder), total);
        return (Root(total).MoveToOuterDisposeScope(), inOrder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _order.Dispose();
        _blockOrder?.Dispose();
        foreach (var squares in _squares.Values) squares.Dispose();
    }

    // On the CPU, libtorch's root may be off by the last bit.
    private static Tensor Root(Tensor total) =>
        total.device_type == DeviceType.CPU ? tensor(Math.Sqrt(total.item<double>())) : total.sqrt();

    private Tensor Squares(GradientBucket bucket)
    {
        var sums = _squares[bucket];
        if (_done.Contains(bucket)) return sums;
        if (bucket.Sums.dtype != ScalarType.Float64) BlockSquares.Fill(bucket.Sums, bucket.BlockStarts, sums);
        else
        {
            var starts = bucket.BlockStarts.cpu().data<long>();
            for (var i = 0; i + 1 < starts.Count; i++)
                sums[i] = bucket.Sums.narrow(0, starts[i], starts[i + 1] - starts[i]).square().sum();
        }
        return sums;
    }
}
