using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// Exchanges the memory of tensors between ranks: on the CPU through the communicator, on GPUs through NCCL. Nothing is
/// added up on the way.
/// </summary>
/// <remarks>
/// Work on a GPU may go on after a call returns. It starts when all that the current stream was given before the call
/// is done. <see cref="Wait"/> makes the current stream wait for it. Tensors must live until then.
/// </remarks>
internal abstract class TensorExchange : IDisposable
{
    /// <summary>The exchange of tensors of a device; every rank must ask for it.</summary>
    /// <param name="communicator">The ranks; it must live longer.</param>
    /// <param name="device">Where the tensors are, the same kind on all ranks.</param>
    /// <exception cref="CrossheadException">NCCL cannot connect the ranks' GPUs.</exception>
    public static TensorExchange Of(ICommunicator communicator, Device device) => device.type == DeviceType.CUDA
        ? NcclExchange.Connect(communicator, Math.Max(device.index, 0)) : new HostExchange(communicator);

    /// <summary>Gives each rank the parts that all ranks have for it.</summary>
    /// <param name="send">[all parts], dense, of any type: the parts for all ranks, one after the other.</param>
    /// <param name="sendCounts">Elements for each rank.</param>
    /// <param name="receive">[all parts], of the same type; written.</param>
    /// <param name="receiveCounts">Elements from each rank.</param>
    public void AllToAll(Tensor send, ReadOnlySpan<long> sendCounts, Tensor receive, ReadOnlySpan<long> receiveCounts)
    {
        using var scope = NewDisposeScope();
        var (parts, start) = (new Tensor[sendCounts.Length], 0L);
        for (var rank = 0; rank < parts.Length; rank++)
        {
            if (start + sendCounts[rank] > send.NumberOfElements)
                throw new ArgumentException($"has {send.NumberOfElements} elements, fewer than its parts.",
                    nameof(send));
            parts[rank] = send.narrow(0, start, sendCounts[rank]);
            start += sendCounts[rank];
        }
        AllToAll(parts, receive, receiveCounts);
    }

    /// <summary>Gives each rank the parts that all ranks have for it, wherever they lie.</summary>
    /// <param name="send">The part for each rank [n], dense, of one type.</param>
    /// <param name="receive">[all parts or more], of the same type; written.</param>
    /// <param name="receiveCounts">Elements from each rank.</param>
    /// <param name="places">Where this rank's part begins in what each rank receives, in elements. Who knows it can
    /// <see cref="Open"/> the memory.</param>
    public abstract void AllToAll(IReadOnlyList<Tensor> send, Tensor receive, ReadOnlySpan<long> receiveCounts,
        ReadOnlySpan<long> places = default);

    /// <summary>Gives every rank the parts of all, in the order of the ranks.</summary>
    /// <param name="send">[part], dense. It may be this rank's part of <paramref name="receive"/> itself.</param>
    /// <param name="receive">[all parts], of the same type; written.</param>
    /// <param name="counts">Elements of each rank.</param>
    public abstract void AllGather(Tensor send, Tensor receive, ReadOnlySpan<long> counts);

    /// <summary>
    /// Tells of tensors that receive from other ranks again and again, so that these may write there themselves. Every
    /// rank must call it, for tensors of the same sizes, which must not move until the end.
    /// </summary>
    /// <param name="receive">The tensors, dense; not empty.</param>
    public abstract void Open(IReadOnlyList<Tensor> receive);

    /// <summary>
    /// Queues work behind all exchanges so far, beside what the current stream is given later. <see cref="Wait"/>
    /// waits for it too.
    /// </summary>
    /// <param name="work">Launches kernels, and makes no tensors: their memory would belong to another stream.</param>
    public abstract void Then(Action work);

    /// <summary>Makes what follows on the current stream wait for all exchanges so far.</summary>
    public abstract void Wait();

    /// <summary>
    /// Returns a call that makes what follows on the current stream wait for all exchanges so far, and for no later
    /// ones. It may be made later, on any thread; a second time it does nothing.
    /// </summary>
    public abstract Action WaitLater();

    /// <summary>
    /// How long exchanges took since the last call; all work of the device must be done. The first call begins to
    /// measure.
    /// </summary>
    public abstract ExchangeTimes TakeTimes();

    /// <summary>Frees what the exchange holds.</summary>
    public abstract void Dispose();

    /// <summary>The sum of numbers of elements or bytes.</summary>
    protected static long Sum(ReadOnlySpan<long> counts)
    {
        var sum = 0L;
        foreach (var count in counts) sum += count;
        return sum;
    }
}
