using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Maxima;

/// <summary>
/// The largest number of each row and its place, for the end of a decoding step on a CUDA device
/// (<c>row_maxima.cu</c>). Many threads share a row out, and they write to the host's memory themselves.
/// </summary>
internal static class RowMaxima
{
    private const int Threads = 512, Cluster = 8;

    private static readonly Lazy<string> Source = new(
        () => KernelText.Read("launches.cuh", "bfloat16.cuh", "clusters.cuh", "row_maxima.cu"));

    /// <summary>Queues it on the current stream. The first of equal numbers counts; NaN is the largest.</summary>
    /// <param name="rows">[n, w] on a CUDA device.</param>
    /// <param name="ids">Receives the places, n numbers of 64 bits.</param>
    /// <param name="largest">Receives the numbers, n in float32.</param>
    public static void Write(Tensor rows, PinnedMemory ids, PinnedMemory largest)
    {
        if (!RowSource.Supports(rows))
        {
            var (values, places) = rows.max(-1);
            ids.CopyFrom(places);
            largest.CopyFrom(values.to(ScalarType.Float32));
            return;
        }
        rows = RowKernel.Dense(rows);
        var device = CudaDevice.Get(rows.device_index);
        var cluster = device.HasClusters ? Cluster : 1;
        CudaKernel.Load(device.Index, Source.Value, "row_maxima",
            [$"BF16={(rows.dtype == ScalarType.BFloat16 ? 1 : 0)}", $"THREADS={Threads}"])
            .Launch((cluster, (int)rows.shape[0], 1), Threads, 0,
                [Aten.DataPointer(rows), rows.shape[1], ids.Address, largest.Address], cluster, early: true);
        GC.KeepAlive(rows);
    }
}
