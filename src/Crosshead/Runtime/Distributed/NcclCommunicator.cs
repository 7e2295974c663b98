namespace Crosshead.Runtime.Distributed;

/// <summary>
/// The ranks as NCCL connects them. All exchanges are of bytes. Each is queued on a stream, and every rank must queue
/// the same ones in the same order.
/// </summary>
internal sealed unsafe class NcclCommunicator
{
    private const int Byte = 1, InProgress = 7; // ncclUint8, ncclInProgress

    private readonly Nccl _nccl;
    private readonly int _rank;
    private readonly delegate* unmanaged<nint, nuint, int, int, nint, nint, int> _send, _receive;
    private readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> _broadcast;
    private readonly delegate* unmanaged<nint, int*, int> _asyncError;
    private nint _handle;

    private NcclCommunicator(Nccl nccl, nint handle, int rank)
    {
        (_nccl, _handle, _rank) = (nccl, handle, rank);
        _send = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)nccl.Function("ncclSend");
        _receive = (delegate* unmanaged<nint, nuint, int, int, nint, nint, int>)nccl.Function("ncclRecv");
        _broadcast = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)nccl.Function("ncclBroadcast");
        _asyncError = (delegate* unmanaged<nint, int*, int>)nccl.Function("ncclCommGetAsyncError");
    }

    /// <summary>Connects the ranks; waits until all have called it.</summary>
    /// <param name="nccl">The library.</param>
    /// <param name="id">The same on all ranks.</param>
    /// <param name="ranks">How many there are.</param>
    /// <param name="rank">Which this is. It gets the device that is current on this thread.</param>
    /// <exception cref="CrossheadException">NCCL refused.</exception>
    public static NcclCommunicator Connect(Nccl nccl, NcclUniqueId id, int ranks, int rank)
    {
        nint handle;
        fixed (byte* name = "crosshead\0"u8)
        {
            var config = new NcclConfig { CommName = (nint)name };
            nccl.Check(((delegate* unmanaged<nint*, int, NcclUniqueId, int, NcclConfig*, int>)nccl.Function(
                "ncclCommInitRankConfig"))(&handle, ranks, id, rank, &config), $"connecting rank {rank} of {ranks}");
        }
        return new NcclCommunicator(nccl, handle, rank);
    }

    /// <summary>Connects the first GPUs of this process to each other: a communicator for each of them.</summary>
    /// <param name="nccl">The library.</param>
    /// <param name="gpus">How many.</param>
    /// <exception cref="CrossheadException">NCCL refused.</exception>
    public static NcclCommunicator[] ConnectAll(Nccl nccl, int gpus)
    {
        var (handles, devices) = (new nint[gpus], Enumerable.Range(0, gpus).ToArray());
        fixed (nint* first = handles)
        fixed (int* numbers = devices)
            nccl.Check(((delegate* unmanaged<nint*, int, int*, int>)nccl.Function("ncclCommInitAll"))(first, gpus,
                numbers), $"connecting {gpus} GPUs");
        return [.. handles.Select((handle, gpu) => new NcclCommunicator(nccl, handle, gpu))];
    }

    /// <summary>
    /// Queues, between every two ranks, the parts that they have for each other; the part for this rank itself is left
    /// out.
    /// </summary>
    /// <param name="send">Addresses of the parts for all ranks.</param>
    /// <param name="sendBytes">Bytes for each rank.</param>
    /// <param name="receive">Address of the parts from all ranks, one after the other.</param>
    /// <param name="receiveBytes">Bytes from each rank.</param>
    /// <param name="stream">The stream.</param>
    /// <exception cref="CrossheadException">NCCL refused.</exception>
    public void AllToAll(ReadOnlySpan<nint> send, ReadOnlySpan<long> sendBytes, nint receive,
        ReadOnlySpan<long> receiveBytes, nint stream)
    {
        _nccl.BeginGroup();
        for (var peer = 0; peer < sendBytes.Length; peer++)
        {
            if (peer != _rank && sendBytes[peer] > 0)
                Check(_send(send[peer], (nuint)sendBytes[peer], Byte, peer, _handle, stream));
            if (peer != _rank && receiveBytes[peer] > 0)
                Check(_receive(receive, (nuint)receiveBytes[peer], Byte, peer, _handle, stream));
            receive += (nint)receiveBytes[peer];
        }
        _nccl.EndGroup(_handle);
    }

    /// <summary>Queues that every rank gets the parts of all.</summary>
    /// <param name="parts">Address of the parts in the order of the ranks, with this rank's own in its place.</param>
    /// <param name="bytes">Bytes of each rank's part.</param>
    /// <param name="stream">The stream.</param>
    /// <exception cref="CrossheadException">NCCL refused.</exception>
    public void AllGather(nint parts, ReadOnlySpan<long> bytes, nint stream)
    {
        _nccl.BeginGroup();
        for (var root = 0; root < bytes.Length; root++)
        {
            if (bytes[root] > 0)
                Check(_broadcast(parts, parts, (nuint)bytes[root], Byte, root, _handle, stream));
            parts += (nint)bytes[root];
        }
        _nccl.EndGroup(_handle);
    }

    /// <summary>Throws if an exchange that was queued earlier has failed.</summary>
    /// <exception cref="CrossheadException">It has.</exception>
    public void ThrowIfFailed()
    {
        int error;
        Check(_asyncError(_handle, &error));
        if (error != InProgress) Check(error);
    }

    /// <summary>Gives the communicator back. Can wait for other ranks, without end if one of them is gone.</summary>
    /// <param name="tidy">Whether all that was queued is done; otherwise it is stopped.</param>
    public void Close(bool tidy)
    {
        var handle = Interlocked.Exchange(ref _handle, 0);
        if (handle == 0) return;
        // Whatever it answers, there is nothing left to do.
        _ = ((delegate* unmanaged<nint, int>)_nccl.Function(tidy ? "ncclCommDestroy" : "ncclCommAbort"))(handle);
    }

    private void Check(int code) => _nccl.Check(code, "exchanging tensors between GPUs", _handle);
}
