using System.Diagnostics;
using static TorchSharp.torch;

namespace Crosshead.Runtime.Distributed;

/// <summary>Exchanges tensors of the CPU through the communicator, without a copy of its own.</summary>
internal sealed unsafe class HostExchange(ICommunicator communicator) : TensorExchange
{
    private TimeSpan _time;

    /// <inheritdoc/>
    public override void AllToAll(IReadOnlyList<Tensor> send, Tensor receive, ReadOnlySpan<long> receiveCounts,
        ReadOnlySpan<long> places = default)
    {
        using var scope = NewDisposeScope();
        receive = Beginning(receive, Sum(receiveCounts));
        long[] counts = [.. send.Select(part => part.NumberOfElements)];
        for (var rank = 0; rank < counts.Length; rank++) Require(send[rank], nameof(send), counts[rank]);
        Require(receive, nameof(receive), Sum(receiveCounts));
        var start = Stopwatch.GetTimestamp();
        var parts = LieTogether(send) ? send.FirstOrDefault(p => p.NumberOfElements > 0) ?? send[0]
            : cat([.. send]);
        communicator.AllToAll((byte*)Aten.DataPointer(parts), Bytes(counts, receive),
            (byte*)Aten.DataPointer(receive), Bytes(receiveCounts, receive));
        _time += Stopwatch.GetElapsedTime(start);
        GC.KeepAlive(parts);
        GC.KeepAlive(receive);
    }

    /// <inheritdoc/>
    public override void AllGather(Tensor send, Tensor receive, ReadOnlySpan<long> counts)
    {
        Require(send, nameof(send), counts[communicator.Rank]);
        Require(receive, nameof(receive), Sum(counts));
        var start = Stopwatch.GetTimestamp();
        communicator.AllGather((byte*)Aten.DataPointer(send), (byte*)Aten.DataPointer(receive),
            Bytes(counts, receive));
        _time += Stopwatch.GetElapsedTime(start);
        GC.KeepAlive(send);
        GC.KeepAlive(receive);
    }

    /// <inheritdoc/>
    public override void Open(IReadOnlyList<Tensor> receive)
    {
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
    public override ExchangeTimes TakeTimes()
    {
        var time = _time;
        _time = default;
        return new ExchangeTimes(time, time);
    }

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

    // Whether each part begins where the one before it ends.
    private static bool LieTogether(IReadOnlyList<Tensor> parts)
    {
        nint end = 0;
        foreach (var part in parts.Where(p => p.NumberOfElements > 0))
        {
            var begin = Aten.DataPointer(part);
            if (end != 0 && begin != end) return false;
            end = begin + (nint)(part.NumberOfElements * part.ElementSize);
        }
        return true;
    }

    private static Tensor Beginning(Tensor tensor, long count) =>
        tensor.dim() == 1 && tensor.NumberOfElements > count ? tensor.narrow(0, 0, count) : tensor;
}
