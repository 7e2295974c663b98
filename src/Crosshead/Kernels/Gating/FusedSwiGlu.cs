using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Gating;

/// <summary>silu(gate)·up, silu(x) = x·σ(x), in one pass forward and one backward.</summary>
internal static unsafe class FusedSwiGlu
{
    /// <summary>Whether <see cref="Apply"/> takes this tensor.</summary>
    /// <param name="gateUp">[…, 2f]</param>
    public static bool Supports(Tensor gateUp) =>
        RowKernel.Supports(gateUp) && gateUp.dim() > 0 && gateUp.shape[^1] % 2 == 0;

    /// <summary>silu(gate)·up.</summary>
    /// <param name="gateUp">[…, 2f]: the gate in the first half of the last dimension, up in the second.</param>
    /// <returns>[…, f]</returns>
    public static Tensor Apply(Tensor gateUp)
    {
        gateUp = RowKernel.Dense(gateUp);
        var output = Forward(gateUp);
        if (GradientNode.Needed(gateUp))
        {
            GradientNode.Record([gateUp], [output], [gateUp], static (saved, outputs) =>
                [outputs[0] is { } gradient ? Backward(saved[0], gradient) : null]);
        }
        return output;
    }

    /// <summary>silu(gate)·up, without a graph.</summary>
    /// <param name="gateUp">[…, 2f], dense.</param>
    /// <returns>[…, f]</returns>
    public static Tensor Forward(Tensor gateUp)
    {
        var output = empty(HalfOf(gateUp.shape), gateUp.dtype, gateUp.device);
        Run(gateUp, null, output, null);
        return output;
    }

    /// <summary>The gradient of gate and up [… 2f], and their product once more: it need not be kept.</summary>
    /// <param name="gateUp">[…, 2f], dense.</param>
    /// <param name="gradient">[…, f]</param>
    public static (Tensor GateUp, Tensor Output) BackwardWithOutput(Tensor gateUp, Tensor gradient)
    {
        var output = empty(HalfOf(gateUp.shape), gateUp.dtype, gateUp.device);
        return (Backward(gateUp, gradient, output), output);
    }

    /// <summary>The gradient of gate and up [… 2f].</summary>
    /// <param name="gateUp">[…, 2f], dense.</param>
    /// <param name="gradient">[…, f]</param>
    public static Tensor Backward(Tensor gateUp, Tensor gradient) => Backward(gateUp, gradient, null);

    private static Tensor Backward(Tensor gateUp, Tensor gradient, Tensor? output)
    {
        var result = empty_like(gateUp);
        Run(gateUp, RowKernel.Dense(gradient), result, output);
        return result;
    }

    private static long[] HalfOf(long[] shape) => [.. shape[..^1], shape[^1] / 2];

    // Forward without a gradient, backward with one.
    private static void Run(Tensor gateUp, Tensor? gradient, Tensor result, Tensor? again)
    {
        if (gateUp.device_type == TorchSharp.DeviceType.CUDA)
        {
            CudaSwiGlu.Run(gateUp, gradient, result, again);
            return;
        }
        var width = (int)(gateUp.shape[^1] / 2);
        var context = new Context
        {
            GateUp = (void*)Aten.DataPointer(gateUp),
            Gradient = gradient is null ? null : (void*)Aten.DataPointer(gradient),
            Output = (void*)Aten.DataPointer(result),
            Again = again is null ? null : (void*)Aten.DataPointer(again),
            Width = width,
        };
        var rows = gateUp.numel() / Math.Max(1, 2 * width);
        var grain = RowKernel.Grain(width * 12L);
        if (gateUp.dtype == ScalarType.BFloat16)
            CpuParallel.For(rows, grain, ref context,
                gradient is null ? &Forward<BFloat16Element> : &Backward<BFloat16Element>);
        else
            CpuParallel.For(rows, grain, ref context,
                gradient is null ? &Forward<Float32Element> : &Backward<Float32Element>);
        GC.KeepAlive(gateUp);
        GC.KeepAlive(gradient);
        GC.KeepAlive(again);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var width = context->Width;
        for (var row = begin; row < end; row++)
        {
            var gates = (T*)context->GateUp + row * 2 * width;
            var ups = gates + width;
            var output = (T*)context->Output + row * width;
            for (var i = 0; i < width; i += Lanes.Count)
            {
                var gate = Lanes.Load(gates, i, width);
                Lanes.Store(output, i, width, gate * Lanes.Sigmoid(gate) * Lanes.Load(ups, i, width));
            }
        }
    }

    // silu'(x) = σ(x)·(1 + x·(1 − σ(x)))
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var width = context->Width;
        for (var row = begin; row < end; row++)
        {
            var gates = (T*)context->GateUp + row * 2 * width;
            var ups = gates + width;
            var gradients = (T*)context->Gradient + row * width;
            var gateGradients = (T*)context->Output + row * 2 * width;
            var upGradients = gateGradients + width;
            var again = (T*)context->Again + row * width;
            for (var i = 0; i < width; i += Lanes.Count)
            {
                var gate = Lanes.Load(gates, i, width);
                var gradient = Lanes.Load(gradients, i, width);
                var sigmoid = Lanes.Sigmoid(gate);
                var silu = gate * sigmoid;
                var up = Lanes.Load(ups, i, width);
                Lanes.Store(upGradients, i, width, gradient * silu);
                Lanes.Store(gateGradients, i, width,
                    gradient * up * (sigmoid + silu * (Vector512<float>.One - sigmoid)));
                if (context->Again != null) Lanes.Store(again, i, width, silu * up);
            }
        }
    }

    private struct Context
    {
        public void* GateUp;
        public void* Gradient;
        public void* Output;
        public void* Again;
        public int Width;
    }
}
