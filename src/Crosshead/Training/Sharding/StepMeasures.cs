using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Steps;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// The norm and the losses of a step of several ranks, from one gather: each rank gives the sums of squares of its
/// blocks and the losses of its micro-batches. All are added in the order in which one rank has them.
/// </summary>
internal sealed class StepMeasures : IDisposable
{
    private readonly GradientBucket[] _buckets;
    private readonly long[] _counts; // of each rank: losses, then blocks
    private readonly Tensor _lossOrder; // [micro-batches] places in what is gathered
    private readonly Tensor? _blockOrder; // [blocks]; null where every rank has all gradients
    private readonly int _rank;

    /// <summary>Prepares the gather.</summary>
    /// <param name="plan">What lies where.</param>
    /// <param name="buckets">This rank's buckets.</param>
    /// <param name="microBatches">Micro-batches of a step.</param>
    /// <param name="ranks">The ranks.</param>
    /// <param name="whole">Whether every rank has all gradients.</param>
    public StepMeasures(ShardPlan plan, GradientBucket[] buckets, int microBatches, ICommunicator ranks, bool whole)
    {
        (_buckets, _rank) = (buckets, ranks.Rank);
        _counts = new long[ranks.Ranks];
        var (losses, blocks, next) = (new long[microBatches], new long[plan.Blocks], 0);
        for (var rank = 0; rank < ranks.Ranks; rank++)
        {
            var begin = next;
            for (var i = rank; i < microBatches; i += ranks.Ranks) losses[i] = next++;
            if (!whole)
            {
                foreach (var bucket in plan.Buckets)
                    foreach (var place in bucket.Parameters)
                        foreach (var block in bucket.BlocksOf(place, rank)) blocks[place.FirstBlock + block] = next++;
            }
            _counts[rank] = next - begin;
        }
        var device = buckets[0].Sums.device;
        _lossOrder = tensor(losses, device: device).DetachFromDisposeScope();
        _blockOrder = whole ? null : tensor(blocks, device: device).DetachFromDisposeScope();
    }

    /// <summary>The norm, a float64 scalar, and the losses of all micro-batches [micro-batches].</summary>
    /// <param name="losses">[own] float64.</param>
    /// <param name="optimizer">This rank's.</param>
    /// <param name="exchange">Exchanges tensors of the device.</param>
    public (Tensor Norm, Tensor Losses) Gather(Tensor losses, AdamW optimizer, TensorExchange exchange)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var own = _blockOrder is null ? losses : cat([losses, .. _buckets.Select(Squares)]);
        var all = zeros(_counts.Sum(), ScalarType.Float64, losses.device);
        exchange.AllGather(own, all, _counts);
        exchange.Wait();
        var inOrder = all.index_select(0, _lossOrder).MoveToOuterDisposeScope();
        if (_blockOrder is null) return (optimizer.GradientNorm().MoveToOuterDisposeScope(), inOrder);
        var total = zeros([], ScalarType.Float64, losses.device);
        BlockSquares.Total(all.index_select(0, _blockOrder), total);
        return (Root(total).MoveToOuterDisposeScope(), inOrder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lossOrder.Dispose();
        _blockOrder?.Dispose();
    }

    // On the CPU, libtorch's root may be off by the last bit.
    private static Tensor Root(Tensor total) =>
        total.device_type == DeviceType.CPU ? tensor(Math.Sqrt(total.item<double>())) : total.sqrt();

    private static Tensor Squares(GradientBucket bucket)
    {
        var sums = zeros(bucket.BlockStarts.NumberOfElements - 1, ScalarType.Float64, bucket.Sums.device);
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
