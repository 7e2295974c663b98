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
        exchange.Open([.. _buffers.Values.Select(b => b.Receive)]);
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
        var own = _rank < senders ? OwnGradients.Of(bucket, gradients) : null;
        for (var start = 0L; start < plan.Counts.Max(); start += buffers.Piece)
        {
            using var scope = NewDisposeScope();
            long PieceOf(int owner) => Math.Clamp(plan.Counts[owner] - start, 0, buffers.Piece);
            var (mine, receiveCounts) = (PieceOf(_rank), new long[_ranks]);
            for (var rank = 0; rank < senders; rank++) receiveCounts[rank] = rank == _rank ? 0 : mine;
            var receive = buffers.Receive;
            // This rank's own part stays where it is, or in the buffer.
            var (send, parts, places) = (new Tensor[_ranks], new Tensor[_ranks], new long[_ranks]);
            for (var rank = 0; rank < _ranks; rank++)
            {
                var count = own is null ? 0 : PieceOf(rank);
                parts[rank] = own?.Whole is { } whole
                    ? whole.narrow(0, count == 0 ? 0 : plan.Bounds[rank] + start, count)
                    : buffers.Send.narrow(0, rank * buffers.Piece, count);
                send[rank] = rank == _rank ? parts[rank].narrow(0, 0, 0) : parts[rank];
                places[rank] = (_rank - (_rank > rank ? 1 : 0)) * PieceOf(rank); // behind those of the ranks before
            }
            if (own is { Whole: null }) _exchange.Then(() => Fill(own, start, parts));
            _exchange.AllToAll(send, receive, receiveCounts, places);
            if (mine == 0 || senders == 0) continue;
            var sums = bucket.Sums.narrow(0, start, mine);
            var part = own is null ? null : parts[_rank];
            if (sums.dtype == ScalarType.Float64) AddWide(receive, part, senders, sums, fresh);
            else if (own is { IsDirect: true, Whole: null }) AddDirectly(own, start, receive, senders, sums, fresh);
            else
                _exchange.Then(() => OrderedSum.Add(receive, mine, senders, part, part is null ? -1 : _rank, sums,
                    fresh));
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

    // A piece of each rank's run.
    private void Fill(OwnGradients own, long start, Tensor[] parts)
    {
        for (var rank = 0; rank < parts.Length; rank++)
            if (parts[rank].NumberOfElements > 0 && (rank != _rank || !own.IsDirect))
                own.CopyTo(own.Bucket.Plan.Bounds[rank] + start, parts[rank]);
    }

    // This rank's part of each parameter is added from the gradient itself.
    private void AddDirectly(OwnGradients own, long start, Tensor receive, int senders, Tensor sums, bool fresh)
    {
        var count = sums.NumberOfElements;
        foreach (var (at, gradient) in own.Within(own.Bucket.Plan.Bounds[_rank] + start, count))
        {
            var (others, sum) = (senders == 1 ? receive : receive.narrow(0, at, receive.NumberOfElements - at),
                sums.narrow(0, at, gradient.NumberOfElements));
            _exchange.Then(() => OrderedSum.Add(others, count, senders, gradient, _rank, sum, fresh));
        }
    }

    private void AddWide(Tensor receive, Tensor? own, int senders, Tensor sums, bool fresh)
    {
        _exchange.Wait();
        if (fresh) sums.zero_();
        var others = receive.narrow(0, 0, (senders - (own is null ? 0 : 1)) * sums.NumberOfElements)
            .view(-1, sums.NumberOfElements);
        for (int rank = 0, next = 0; rank < senders; rank++) sums.add_(rank == _rank ? own! : others[next++]);
    }

    // What is sent and received at once, and how many elements are one rank's.
    private sealed record Buffers(Tensor Send, Tensor Receive, long Piece)
    {
        public Buffers(IGrouping<ScalarType, GradientBucket> buckets, int ranks) : this(
            buckets.First().Device, buckets.Key, ranks, Math.Min(buckets.Max(b => b.Plan.Counts.Max()),
                Math.Max(1, BufferBytes / Precision.BytesOf(buckets.Key) / ranks / Alignment) * Alignment))
        {
        }

        private Buffers(Device device, ScalarType type, int ranks, long piece) : this(
            zeros(ranks * piece, type, device).DetachFromDisposeScope(),
            zeros((ranks - 1) * piece, type, device).DetachFromDisposeScope(), piece)
        {
        }
    }
}
