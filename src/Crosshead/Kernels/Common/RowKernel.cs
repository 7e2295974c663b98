using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>What kernels over the rows of dense tensors share.</summary>
internal static unsafe class RowKernel
{
    /// <summary>Bytes below which a second thread costs more than it saves.</summary>
    private const long BytesWorthAThread = 32768;

    // Below, copying the weights side by side costs more than the product with them.
    private const long FewestJoinedRows = 32;

    /// <summary>
    /// Whether there are kernels for the tensor: float32 or bfloat16, on a CPU with 512-bit vectors or a CUDA device.
    /// </summary>
    public static bool Supports(Tensor tensor) => SupportsOnCpu(tensor) || RowSource.Supports(tensor);

    /// <summary>Whether the tensor is on the CPU, float32 or bfloat16, and the processor has 512-bit vectors.</summary>
    public static bool SupportsOnCpu(Tensor tensor) =>
        tensor.device_type == TorchSharp.DeviceType.CPU && tensor.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && CpuVectors.AreUsed;

    /// <summary>
    /// Whether joining weights, so that one product and one kernel take the place of several, pays for these
    /// activations [B, N, D].
    /// </summary>
    public static bool IsWorthJoining(Tensor x) => Supports(x) && x.shape[0] * x.shape[1] >= FewestJoinedRows;

    /// <summary>Whether the weight is on the activation's device and in float32 or the activation's type.</summary>
    public static bool SupportsWeight(Tensor weight, Tensor activation) =>
        weight.device_type == activation.device_type
        && (weight.dtype == ScalarType.Float32 || weight.dtype == activation.dtype);

    /// <summary>The tensor itself where its elements are in order without gaps, else a copy in order.</summary>
    public static Tensor Dense(Tensor tensor) => tensor.is_contiguous() ? tensor : tensor.contiguous();

    /// <summary>Rows worth a thread.</summary>
    /// <param name="rowBytes">Bytes read and written a row.</param>
    public static long Grain(long rowBytes) => Math.Max(1, BytesWorthAThread / Math.Max(1, rowBytes));

    /// <summary>
    /// The number of parts a sum over rows is split in: the same on every machine, so that the result does not depend
    /// on the number of threads.
    /// </summary>
    public static int Parts(long rows, long rowBytes) => (int)Math.Clamp(rows * rowBytes / BytesWorthAThread, 1, 32);

    /// <summary>The first row of part <paramref name="part"/>.</summary>
    public static long Start(long rows, int parts, long part) => rows * part / parts;

    /// <summary>
    /// Sums the rows of <paramref name="parts"/> [p, n] float32 in order into <paramref name="shape"/> and converts to
    /// <paramref name="type"/>.
    /// </summary>
    public static Tensor Sum(Tensor parts, long[] shape, ScalarType type)
    {
        var total = empty(shape, ScalarType.Float32);
        var context = new SumContext
        {
            Parts = (float*)Runtime.Aten.DataPointer(parts),
            Total = (Float32Element*)Runtime.Aten.DataPointer(total),
            Count = (int)parts.shape[0],
            Length = (int)parts.shape[1],
        };
        CpuParallel.For((context.Length + Lanes.Count - 1) / Lanes.Count, Grain(context.Count * 64L),
            ref context, &SumColumns);
        GC.KeepAlive(parts);
        return type == ScalarType.Float32 ? total : total.to_type(type);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumColumns(SumContext* context, long begin, long end)
    {
        for (var block = (int)begin; block < end; block++)
        {
            var i = block * Lanes.Count;
            var sum = Vector512<float>.Zero;
            for (var part = 0; part < context->Count; part++)
                sum += Lanes.Load((Float32Element*)context->Parts + (long)part * context->Length, i, context->Length);
            Lanes.Store(context->Total, i, context->Length, sum);
        }
    }

    private struct SumContext
    {
        public float* Parts;
        public Float32Element* Total;
        public int Count;
        public int Length;
    }
}
