using Crosshead.Kernels.PeerSums;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Decoding.TensorParallel;

/// <summary>
/// A rank that is a GPU of this process. In captured steps sums wait for each other on the devices alone. Otherwise the
/// threads of the ranks meet before and after each sum: a thread that takes memory or loads a kernel may hold a lock of
/// the driver and wait for its device, and that for a rank whose thread waits for the lock.
/// </summary>
/// <param name="peers">Memory that the devices share.</param>
/// <param name="meeting">Where the threads of the ranks wait for each other.</param>
/// <param name="rank">The rank.</param>
/// <param name="device">Number of its device.</param>
internal sealed class DeviceRanks(PeerMemory peers, RankMeeting meeting, int rank, int device) : ITensorRanks
{
    private readonly CudaDevice _device = CudaDevice.Get(device);

    /// <inheritdoc/>
    public int Ranks => meeting.Ranks;

    /// <inheritdoc/>
    public int Rank => rank;

    /// <inheritdoc/>
    public Tensor Sum(Tensor part) => Together(() => peers.Sum(rank, part));

    /// <inheritdoc/>
    public (Tensor Sum, Tensor Normed)? SumInto(Tensor residual, Tensor part, RmsNorm norm) =>
        PeerMemory.SupportsNorm(part, residual, norm.Factors)
            ? Together(() => peers.SumNorm(rank, part, residual, norm.Factors, norm.Epsilon)) : null;

    /// <inheritdoc/>
    public Tensor Join(Tensor part) => Together(() => peers.Join(rank, part));

    /// <inheritdoc/>
    public bool All(bool own) => meeting.All(rank, own);

    private T Together<T>(Func<T> queue)
    {
        using var scope = _device.Enter();
        var stream = CudaStream.Current(_device.Index);
        if (CudaStream.IsCapturing(stream)) return queue();
        Wait(stream);
        meeting.All(rank, true);
        var whole = queue();
        Wait(stream);
        return whole;
    }

    private static void Wait(nint stream) =>
        CudaDriver.Check(CudaDriver.WaitForStream(stream), "waiting for a CUDA stream");
}
