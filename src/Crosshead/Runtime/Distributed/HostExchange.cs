using static TorchSharp.torch;

namespace Crosshead.Runtime.Distributed;

/// <summary>Exchanges tensors of the CPU through the communicator, without a copy of its own.</summary>
internal sealed unsafe class HostExchange(ICommunicator communicator) : TensorExchange
{
    /// <inheritdoc/>
    public override void AllToAll(Tensor send, ReadOnlySpan<long> sendCounts, Tensor receive,
        ReadOnlySpan<long> receiveCounts)
    {
        Require(send, nameof(send), Sum(sendCounts));
        Require(receive, nameof(receive), Sum(receiveCounts));
        communicator.AllToAll((byte*)Aten.DataPointer(send), Bytes(sendCounts, send),
            (byte*)Aten.DataPointer(receive), Bytes(receiveCounts, receive));
        GC.KeepAlive(send);
        GC.KeepAlive(receive);
    }

    /// <inheritdoc/>
    public override void AllGather(Tensor send, Tensor receive, ReadOnlySpan<long> counts)
    {
        Require(send, nameof(send), counts[communicator.Rank]);
        Require(receive, nameof(receive), Sum(counts));
        communicator.AllGather((byte*)Aten.DataPointer(send), (byte*)Aten.DataPointer(receive),
            Bytes(counts, receive));
        GC.KeepAlive(send);
        GC.KeepAlive(receive);
    }

    /// <inheritdoc/>
    public override void Then(Action work) => work();

    /// <inheritdoc/>
    public override void Wait()
    {
    }

    /// <inheritdoc/>
    public override Action WaitLater() => Wait;

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    // The memory is exchanged by address, so that a wrong tensor would overwrite foreign memory.
    private static void Require(Tensor tensor, string name, long elements)
    {
        if (tensor.device.type != TorchSharp.DeviceType.CPU || !tensor.is_contiguous()
            || tensor.NumberOfElements != elements)
            throw new ArgumentException($"must be dense, on the CPU, of {elements} elements; it is "
                + $"{(tensor.is_contiguous() ? "dense" : "not dense")}, on {tensor.device}, of "
                + $"{tensor.NumberOfElements}.", name);
    }

    private static long[] Bytes(ReadOnlySpan<long> counts, Tensor tensor)
    {
        var bytes = counts.ToArray();
        foreach (ref var count in bytes.AsSpan()) count *= tensor.ElementSize;
        return bytes;
    }

    private static long Sum(ReadOnlySpan<long> counts)
    {
        var sum = 0L;
        foreach (var count in counts) sum += count;
        return sum;
    }
}
