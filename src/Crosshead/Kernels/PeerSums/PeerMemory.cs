using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.PeerSums;

/// <summary>
/// Memory of several GPUs of this process through which they add up what each of them has (<c>peer_sum.cu</c>). For a
/// few tokens a sum takes little longer than a kernel. Every GPU must be given the same sums in the same order.
/// </summary>
internal sealed class PeerMemory : IDisposable
{
    /// <summary>Most GPUs.</summary>
    public const int MostRanks = 8;

    private const int Lines = 1 << 18, LineBytes = 16, NumberBytesOfLine = 8;
    private const int Threads = 256, BlocksPerMultiprocessor = 4, MostThreadsOfRow = 512, WidestRow = 16384;
    private const long StateBytes = 256;

    private static readonly Lazy<string> Source = new(
        () => KernelText.Read("bfloat16.cuh", "launches.cuh", "peer_sum.cu"));

    private readonly CudaDevice[] _devices;
    private readonly SharedMemory[] _places; // of each rank: what the others write, then the state of its sums
    private readonly long _stateAt;
    private readonly PinnedMemory _givesUp;

    private PeerMemory(CudaDevice[] devices)
    {
        _devices = devices;
        var bytes = 2L * devices.Length * Lines * LineBytes;
        _stateAt = bytes;
        _places = [.. devices.Select(device => new SharedMemory(device, devices, bytes + StateBytes))];
        _givesUp = new PinnedMemory(devices[0].Index, sizeof(int));
    }

    /// <summary>Opens GPUs to each other.</summary>
    /// <param name="devices">Their numbers, each once, as in <c>cuda:n</c>.</param>
    /// <exception cref="CrossheadException">They are too many, one does not reach another's memory or is too old, or
    /// there is no memory.</exception>
    public static PeerMemory Open(IReadOnlyList<int> devices)
    {
        if (devices.Count > MostRanks)
            throw new CrossheadException($"{MessageTerm.TensorParallel} ({devices.Count}) may be {MostRanks} at most.");
        CudaDevice[] all = [.. devices.Select(CudaDevice.Get)];
        foreach (var device in all)
        {
            if (!device.HasBrainFloat)
                throw new CrossheadException($"{MessageTerm.TensorParallel} needs GPUs of compute capability 8.0 or "
                    + $"later; cuda:{device.Index} is {device.ComputeCapability}. Leave it out.");
            foreach (var other in all.Where(other => other != device))
            {
                if (!device.Reaches(other.Index))
                    throw new CrossheadException($"cuda:{device.Index} does not reach the memory of "
                        + $"cuda:{other.Index}, which {MessageTerm.TensorParallel} needs; use GPUs that NVLink or PCI "
                        + "Express peer access connects, or leave it out.");
            }
        }
        return new PeerMemory(all);
    }

    /// <summary>Queues a sum on the current stream of a rank's device.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="part">What it has, float32 or bfloat16; of the same shape and type on all ranks.</param>
    /// <returns>The sum, of the same shape.</returns>
    public Tensor Sum(int rank, Tensor part) => Launch(rank, part, join: false, part.shape, width: 1);

    /// <summary>Queues on the current stream of a rank's device that rows are put side by side.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="part">Its columns, [n, w].</param>
    /// <returns>Those of all ranks, [n, ranks · w].</returns>
    public Tensor Join(int rank, Tensor part) => Launch(rank, part, join: true,
        [part.shape[0], part.shape[1] * _devices.Length], (int)part.shape[1]);

    /// <summary>Whether <see cref="SumNorm"/> takes these tensors.</summary>
    public static bool SupportsNorm(Tensor part, Tensor residual, Tensor weight)
    {
        var width = part.shape[^1];
        return RowKernel.Supports(part) && RowKernel.SupportsWeight(weight, part) && weight.dim() == 1
            && residual.dtype == part.dtype && width <= WidestRow && width * part.ElementSize % NumberBytesOfLine == 0
            && part.numel() * part.ElementSize <= (long)Lines * NumberBytesOfLine;
    }

    /// <summary>
    /// Queues a sum on the current stream of a rank's device, its addition to the residual stream, and that one's norm.
    /// </summary>
    /// <param name="rank">The rank.</param>
    /// <param name="part">What it has, […, D]; of the same shape and type on all ranks.</param>
    /// <param name="residual">What the sum is added to, of the same shape and type.</param>
    /// <param name="weight">The factors of the norm, [D].</param>
    /// <param name="epsilon">What the norm adds to the mean square.</param>
    /// <returns>residual + sum, and that / rms(that) · weight.</returns>
    public (Tensor Sum, Tensor Normed) SumNorm(int rank, Tensor part, Tensor residual, Tensor weight, double epsilon)
    {
        (part, residual, weight) = (RowKernel.Dense(part), RowKernel.Dense(residual), RowKernel.Dense(weight));
        var (sum, normed) = (empty(part.shape, part.dtype, part.device), empty(part.shape, part.dtype, part.device));
        var width = (int)part.shape[^1];
        var lines = width * (int)part.ElementSize / NumberBytesOfLine;
        var threads = Math.Min(MostThreadsOfRow, (lines + 31) / 32 * 32);
        Kernel(rank, "peer_sum_norm", part.dtype, $"WIDTH={width}", $"THREADS={threads}",
            $"BF16_WEIGHT={(weight.dtype == ScalarType.BFloat16 ? 1 : 0)}").Launch(
            ((int)(part.numel() / width), 1, 1), threads, 0,
            [
                Aten.DataPointer(part), Aten.DataPointer(residual), Aten.DataPointer(weight), Aten.DataPointer(sum),
                Aten.DataPointer(normed), (float)epsilon, rank, State(rank), _givesUp.Address,
                Place(0), Place(1), Place(2), Place(3), Place(4), Place(5), Place(6), Place(7),
            ], early: true);
        foreach (var tensor in new[] { part, residual, weight }) GC.KeepAlive(tensor);
        return (sum, normed);
    }

    /// <summary>Ends all sums that wait for another GPU, now and from now on. Their results mean nothing.</summary>
    public void GiveUp() => _givesUp.Of<int>()[0] = 1;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var memory in _places) memory.Dispose();
        _givesUp.Dispose();
    }

    private Tensor Launch(int rank, Tensor part, bool join, long[] shape, int width)
    {
        if (part.dtype is not (ScalarType.BFloat16 or ScalarType.Float32))
            throw new CrossheadException($"{MessageTerm.TensorParallel} computes in bfloat16 or float32, not in "
                + $"{Precision.NameOf(part.dtype)}; choose another {MessageTerm.Dtype}.");
        part = RowKernel.Dense(part);
        var whole = empty(shape, part.dtype, part.device);
        var (device, count) = (_devices[rank], part.numel());
        var kernel = Kernel(rank, "peer_sum", part.dtype, $"JOIN={(join ? 1 : 0)}");
        var perLaunch = (long)Lines * NumberBytesOfLine / part.ElementSize;
        for (var first = 0L; first < count; first += perLaunch)
        {
            var lines = (Math.Min(perLaunch, count - first) * part.ElementSize + NumberBytesOfLine - 1)
                / NumberBytesOfLine;
            var blocks = (int)Math.Min((lines + Threads - 1) / Threads,
                device.Multiprocessors * BlocksPerMultiprocessor);
            kernel.Launch((blocks, 1, 1), Threads, 0,
            [
                Aten.DataPointer(part), Aten.DataPointer(whole), first, count, width, rank, State(rank),
                _givesUp.Address, Place(0), Place(1), Place(2), Place(3), Place(4), Place(5), Place(6), Place(7),
            ], early: true);
        }
        GC.KeepAlive(part);
        return whole;
    }

    private CudaKernel Kernel(int rank, string name, ScalarType type, params ReadOnlySpan<string> defines) =>
        CudaKernel.Load(_devices[rank].Index, Source.Value, name,
        [
            $"RANKS={_devices.Length}", $"BF16={(type == ScalarType.BFloat16 ? 1 : 0)}", $"LINES={Lines}", .. defines,
        ]);

    private nint State(int rank) => _places[rank].Address + (nint)_stateAt;

    private KernelArgument Place(int rank) => rank < _places.Length ? _places[rank].Address : 0;
}
