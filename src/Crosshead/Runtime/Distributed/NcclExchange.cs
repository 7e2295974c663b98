using System.Runtime.InteropServices;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime.Distributed;

/// <summary>Exchanges the memory of tensors between GPUs, on one stream beside the one that computes.</summary>
internal sealed class NcclExchange : TensorExchange
{
    // A rank that is gone is never heard of again; what is left then goes when the process ends.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly CudaDevice _device;
    private readonly ICommunicator _ranks;
    private readonly NcclCommunicator? _communicator; // null for one rank
    private readonly PeerCopies? _copies; // null for one rank, and where NCCL does everything
    private readonly SideStream _stream;
    private readonly CudaEvent _order;
    private readonly List<CudaEvent> _marks = [];
    private readonly Stack<CudaEvent> _idle = new();
    private readonly int _rank;
    private ExchangeClock? _clock;
    private bool _disposed;

    private NcclExchange(CudaDevice device, ICommunicator ranks)
    {
        (_device, _ranks, _rank) = (device, ranks, ranks.Rank);
        if (ranks.Ranks > 1) _communicator = Join(ranks, device);
        _stream = SideStream.Rent(device.Index);
        _order = new CudaEvent(device);
        _copies = PeerCopies.Connect(ranks, device, _stream);
    }

    /// <summary>Whether memory that is open receives by the GPUs' copy engines.</summary>
    public bool Copies => _copies is not null;

    /// <summary>
    /// Connects the GPUs of all ranks; every rank must call it. One rank alone only copies, and needs no NCCL.
    /// </summary>
    /// <param name="ranks">The ranks, which agree by it.</param>
    /// <param name="device">Number of this rank's device, as in <c>cuda:n</c>.</param>
    /// <exception cref="CrossheadException">NCCL is missing, old, or not the same everywhere; two ranks have one GPU;
    /// or NCCL refused.</exception>
    public static NcclExchange Connect(ICommunicator ranks, int device) => new(CudaDevice.Get(device), ranks);

    /// <inheritdoc/>
    public override void AllToAll(IReadOnlyList<Tensor> send, Tensor receive, ReadOnlySpan<long> receiveCounts,
        ReadOnlySpan<long> places = default)
    {
        Span<nint> from = stackalloc nint[send.Count];
        Span<long> sendBytes = stackalloc long[send.Count], receiveBytes = stackalloc long[send.Count];
        Span<long> at = stackalloc long[places.Length];
        for (var rank = 0; rank < send.Count; rank++)
        {
            Require(send[rank], sendBytes[rank] = send[rank].numel() * receive.ElementSize);
            from[rank] = sendBytes[rank] == 0 ? 0 : Aten.DataPointer(send[rank]);
        }
        for (var rank = 0; rank < at.Length; rank++) at[rank] = places[rank] * receive.ElementSize;
        var own = Bytes(receiveCounts, receive, receiveBytes);
        Require(receive, Sum(receiveBytes), orMore: true);
        using var scope = Follow();
        var to = Aten.DataPointer(receive);
        Copy(from[_rank], to + own, sendBytes[_rank]);
        var begin = _clock?.Mark(_stream.Handle);
        if (_copies is null || at.IsEmpty || !_copies.Exchange(from, sendBytes, to, at))
            _communicator?.AllToAll(from, sendBytes, to, receiveBytes, _stream.Handle);
        if (begin is not null) _clock!.Exchanged(begin, _stream.Handle);
    }

    /// <inheritdoc/>
    public override void AllGather(Tensor send, Tensor receive, ReadOnlySpan<long> counts)
    {
        Span<long> bytes = stackalloc long[counts.Length];
        var own = Bytes(counts, receive, bytes);
        Require(receive, Sum(bytes));
        using var scope = Follow();
        var parts = Aten.DataPointer(receive);
        Copy(Aten.DataPointer(send), parts + own, bytes[_rank]);
        var begin = _clock?.Mark(_stream.Handle);
        if (_copies is null || !GatherByCopies(parts, own, bytes))
            _communicator?.AllGather(parts, bytes, _stream.Handle);
        if (begin is not null) _clock!.Exchanged(begin, _stream.Handle);
    }

    /// <inheritdoc/>
    public override void Open(IReadOnlyList<Tensor> receive) => _copies?.Open(_ranks,
        [.. receive.Select(t => (Aten.DataPointer(t), t.numel() * t.ElementSize))]);

    /// <inheritdoc/>
    public override void Then(Action work)
    {
        using var scope = Follow();
        using var stream = _stream.Enter();
        work();
    }

    /// <inheritdoc/>
    public override void Wait()
    {
        _communicator?.ThrowIfFailed();
        _order.Record(_stream.Handle);
        HoldUp(_order);
    }

    /// <inheritdoc/>
    public override Action WaitLater()
    {
        if (!_idle.TryPop(out var free)) _marks.Add(free = new CudaEvent(_device));
        free.Record(_stream.Handle);
        CudaEvent? mark = free;
        return () =>
        {
            if (mark is null) return;
            HoldUp(mark);
            _idle.Push(mark);
            mark = null;
        };
    }

    /// <inheritdoc/>
    public override ExchangeTimes TakeTimes()
    {
        if (_clock is not null) return _clock.Take();
        _clock = new ExchangeClock(_device);
        return default;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        var done = SpinWait.SpinUntil(_stream.IsDone, Patience);
        if (!done) _copies?.GiveUp();
        var closing = Task.Factory.StartNew(() => _communicator?.Close(done), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        if (!closing.Wait(Patience) || !done) return;
        _copies?.Dispose();
        _order.Dispose();
        foreach (var mark in _marks) mark.Dispose();
        _clock?.Dispose();
        _stream.Dispose();
    }

    private void HoldUp(CudaEvent mark)
    {
        var stream = CudaStream.Current(_device.Index);
        var begin = _clock?.Mark(stream);
        mark.HoldUp(stream);
        if (begin is not null) _clock!.Waited(begin, stream);
    }

    // What is queued beside from now on waits for what the current stream was given so far.
    private CudaContextScope Follow()
    {
        var scope = _device.Enter();
        _order.Order(CudaStream.Current(_device.Index), _stream.Handle);
        return scope;
    }

    private static NcclCommunicator Join(ICommunicator ranks, CudaDevice device)
    {
        var nccl = Nccl.Loaded;
        new NcclHandshake(nccl?.Version ?? 0, device.Identity()).Exchange(ranks);
        var id = ranks.Rank == 0 ? nccl!.NewId() : default;
        ranks.Broadcast(MemoryMarshal.AsBytes(new Span<NcclUniqueId>(ref id)), 0);
        using var scope = device.Enter();
        return NcclCommunicator.Connect(nccl!, id, ranks.Ranks, ranks.Rank);
    }

    private void Copy(nint from, nint to, long bytes)
    {
        if (bytes > 0 && from != to)
            CudaDriver.Check(CudaDriver.CopyWithin(to, from, (nuint)bytes, _stream.Handle),
                "copying a rank's own part");
    }

    private bool GatherByCopies(nint parts, nint own, ReadOnlySpan<long> bytes)
    {
        Span<nint> from = stackalloc nint[bytes.Length];
        Span<long> sent = stackalloc long[bytes.Length], at = stackalloc long[bytes.Length];
        from.Fill(parts + own);
        sent.Fill(bytes[_rank]);
        at.Fill(own);
        return _copies!.Exchange(from, sent, parts, at);
    }

    // Fills in the bytes of each rank's part; the answer is where this rank's own begins.
    private nint Bytes(ReadOnlySpan<long> counts, Tensor tensor, Span<long> bytes)
    {
        var (size, start, all) = (tensor.ElementSize, 0L, 0L);
        for (var rank = 0; rank < counts.Length; rank++)
        {
            if (rank == _rank) start = all;
            all += bytes[rank] = counts[rank] * size;
        }
        return (nint)start;
    }

    // The memory is exchanged by address, so that a wrong tensor would overwrite foreign memory.
    private static void Require(Tensor tensor, long bytes, bool orMore = false)
    {
        var has = tensor.numel() * tensor.ElementSize;
        if (tensor.device.type != DeviceType.CUDA || !tensor.is_contiguous() || (orMore ? has < bytes : has != bytes))
            throw new ArgumentException($"a tensor to exchange must be dense, on a GPU, of {bytes} bytes; it is "
                + $"{(tensor.is_contiguous() ? "dense" : "not dense")}, on {tensor.device}, of "
                + $"{tensor.numel() * tensor.ElementSize} bytes.", nameof(tensor));
    }
}
