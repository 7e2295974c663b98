using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Gating;

/// <summary>The launches of <c>swiglu.cu</c>: <see cref="FusedSwiGlu"/> on a CUDA device.</summary>
internal static class CudaSwiGlu
{
    private const int Threads = 256;

    private static readonly RowSource Source = new("swiglu.cu");

    /// <summary>silu(gate)·up, or with a gradient its gradients.</summary>
    /// <param name="gateUp">[…, 2f]</param>
    /// <param name="gradient">[…, f]; null for the way forward.</param>
    /// <param name="result">[…, f] forward, [… 2f] backward; written to.</param>
    /// <param name="again">[…, f]: backward, what the way forward wrote; written to. Null for not.</param>
    public static void Run(Tensor gateUp, Tensor? gradient, Tensor result, Tensor? again)
    {
        var width = (int)(gateUp.shape[^1] / 2);
        var lanes = RowSource.Lanes(width, gateUp, gradient, result, again);
        var items = gateUp.numel() / 2 / lanes;
        if (items == 0) return;
        var grid = ((int)((items + Threads - 1) / Threads), 1, 1);
        if (gradient is null)
        {
            Source.Kernel(gateUp.device_index, "swiglu", gateUp.dtype, lanes).Launch(grid, Threads, 0,
                [Aten.DataPointer(gateUp), Aten.DataPointer(result), width, items]);
        }
        else
        {
            Source.Kernel(gateUp.device_index, "swiglu_backward", gateUp.dtype, lanes).Launch(grid, Threads, 0,
                [
                    Aten.DataPointer(gateUp), Aten.DataPointer(gradient), Aten.DataPointer(result),
                    Aten.Address(again), width, items,
                ]);
        }
        GC.KeepAlive(gateUp);
        GC.KeepAlive(gradient);
        GC.KeepAlive(again);
    }
}
