using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// Sends gradients to their owners, who add them up in the order of the ranks. It goes on beside the computation, piece
/// by piece through buffers that are allocated once: memory that another stream works on must not be given back
/// meanwhile.
/// </summary>
internal sealed class GradientExchange : IDisposable
{
    private const long BufferBytes = 64 << 20, Alignment = 64;

    private readonly TensorExchange _exchange;
    private readonly int _rank, _ranks;
    private readonly Dictionary<ScalarType, Buffers> _buffers;
    private Tensor?[] _underWay = []; // gradients that are still read
    private Action _sent = () => { };

    /// <summary>Makes the buffers.</summary>
    /// <param name="buckets">All buckets.</param>
    /// <param name="communicator">The ranks.</param>
    /// <param name="exchange">Exchanges tensors between them.</param>
    public GradientExchange(IReadOnlyList<GradientBucket> buckets, ICommunicator communicator, TensorExchange exchange)
    {
        (_exchange, _rank, _ranks) = (exchange, communicator.Rank, communicator.Ranks);
        _buffers = buckets.GroupBy(b => b.WireType).ToDictionary(b => b.Key, b => new Buffers(b, _ranks));
    }

    /// <summary>Sends the gradients of a bucket, and adds up what is this rank's.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="gradients">[n] for each parameter; this object disposes them. Empty if the bucket has local
    /// sums.</param>
    /// <param name="senders">So many ranks, the first ones, have gradients that count.</param>
    /// <param name="fresh">Whether the sums begin with these.</param>
    public void Send(GradientBucket bucket, Tensor?[] gradients, int senders, bool fresh)
    {
        using var grad = no_grad();
        Release();
        var (plan, buffers) = (bucket.Plan, _buffers[bucket.WireType]);
        var (sendCounts, receiveCounts) = (new long[_ranks], new long[_ranks]);
        for (var start = 0L; start < plan.Counts.Max(); start += buffers.Piece)
        {
            using var scope = NewDisposeScope();
            for (var rank = 0; rank < _ranks; rank++)
            {
                long PieceOf(int owner) => Math.Clamp(plan.Counts[owner] - start, 0, buffers.Piece);
                sendCounts[rank] = _rank < senders ? PieceOf(rank) : 0;
                receiveCounts[rank] = rank < senders ? PieceOf(_rank) : 0;
            }
            var (send, receive) = (buffers.Send.narrow(0, 0, sendCounts.Sum()),
                buffers.Receive.narrow(0, 0, receiveCounts.Sum()));
            if (_rank < senders) _exchange.Then(() => Fill(bucket, gradients, start, send, sendCounts));
            _exchange.AllToAll(send, sendCounts, receive, receiveCounts);
            if (receiveCounts[0] == 0) continue;
            var sums = bucket.Sums.narrow(0, start, receiveCounts[0]);
            if (sums.dtype == ScalarType.Float64) AddWide(receive, sums, fresh);
            else _exchange.Then(() => OrderedSum.Add(receive, sums, fresh));
        }
        (_underWay, _sent) = (gradients, _exchange.WaitLater());
    }

    /// <summary>Makes what follows on the current stream wait for what was sent, and frees it.</summary>
    public void Release()
    {
        _sent();
        foreach (var gradient in _underWay) gradient?.Dispose();
        (_underWay, _sent) = ([], () => { });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var gradient in _underWay) gradient?.Dispose();
        foreach (var (send, receive, _) in _buffers.Values)
        {
            send.Dispose();
            receive.Dispose();
        }
    }

    // A piece of each rank's run, one after the other.
    private static void Fill(GradientBucket bucket, Tensor?[] gradients, long start, Tensor send, long[] counts)
    {
        var at = 0L;
        for (var rank = 0; rank < counts.Length; rank++)
        {
            using var scope = NewDisposeScope();
            var target = send.narrow(0, at, counts[rank]);
            var first = bucket.Plan.Bounds[rank] + start;
            if (bucket.LocalSums is { } sums) target.copy_(sums.narrow(0, counts[rank] == 0 ? 0 : first, counts[rank]));
            else bucket.Plan.CopyTo(gradients, first, target);
            at += counts[rank];
        }
    }

    private void AddWide(Tensor parts, Tensor sums, bool fresh)
    {
        _exchange.Wait();
        if (fresh) sums.zero_();
        foreach (var part in parts.view(-1, sums.NumberOfElements).unbind()) sums.add_(part);
    }

    // What is sent and received at once, and how many elements are one rank's.
    private sealed record Buffers(Tensor Send, Tensor Receive, long Piece)
    {
        public Buffers(IGrouping<ScalarType, GradientBucket> buckets, int ranks) : this(
            buckets.First().Sums.device, buckets.Key, ranks, Math.Min(buckets.Max(b => b.Plan.Counts.Max()),
                Math.Max(1, BufferBytes / Precision.BytesOf(buckets.Key) / ranks / Alignment) * Alignment))
        {
        }

        private Buffers(Device device, ScalarType type, int ranks, long piece) : this(
            zeros(ranks * piece, type, device).DetachFromDisposeScope(),
            zeros(ranks * piece, type, device).DetachFromDisposeScope(), piece)
        {
        }
    }
}
