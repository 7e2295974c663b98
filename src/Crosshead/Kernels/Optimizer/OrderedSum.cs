using System.Runtime.CompilerServices;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>
/// Adds what ranks sent to a sum in float32, in the order of the ranks: the same bits on the CPU and on a GPU, and the
/// same as one rank that adds them one after the other.
/// </summary>
internal static unsafe class OrderedSum
{
    private const int Threads = 256;

    private static readonly RowSource Source = new("ordered_sum.cu");

    /// <summary>sum ← sum + part 0 + part 1 + …, from left to right.</summary>
    /// <param name="parts">[ranks · n] float32 or bfloat16, dense: the parts one after the other.</param>
    /// <param name="sum">[n] float32, dense; written.</param>
    /// <param name="fresh">Whether the sum begins with part 0, whatever it held before.</param>
    public static void Add(Tensor parts, Tensor sum, bool fresh)
    {
        var count = sum.numel();
        if (count == 0) return;
        var ranks = checked((int)(parts.numel() / count));
        if (sum.device_type == DeviceType.CUDA)
        {
            var lanes = RowSource.Lanes(count, parts, sum);
            var blocks = (count / lanes + Threads - 1) / Threads;
            Source.Kernel(sum.device_index, "ordered_sum", parts.dtype, lanes).Launch((checked((int)blocks), 1, 1),
                Threads, 0, [Aten.DataPointer(parts), Aten.DataPointer(sum), count, ranks, fresh ? 1 : 0]);
        }
        else
        {
            var context = new Context
            {
                Parts = Aten.DataPointer(parts),
                Narrow = parts.dtype == ScalarType.BFloat16,
                Sum = (float*)Aten.DataPointer(sum),
                Count = count,
                Ranks = ranks,
                Fresh = fresh,
            };
            var grain = RowKernel.Grain((ranks + 2) * sizeof(float) * Lanes.Count);
            CpuParallel.For((count + Lanes.Count - 1) / Lanes.Count, grain, ref context, &Run);
        }
        GC.KeepAlive(parts);
        GC.KeepAlive(sum);
    }

    private static void Run(Context* context, long begin, long end)
    {
        if (context->Narrow) Run<BFloat16Element>(context, begin, end);
        else Run<Float32Element>(context, begin, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        for (var vector = begin; vector < end; vector++)
        {
            var at = vector * Lanes.Count;
            var length = (int)Math.Min(Lanes.Count, context->Count - at);
            var part = (T*)context->Parts + at;
            var sum = (Float32Element*)(context->Sum + at);
            var total = context->Fresh ? Lanes.Load(part, 0, length) : Lanes.Load(sum, 0, length);
            for (var rank = context->Fresh ? 1 : 0; rank < context->Ranks; rank++)
                total += Lanes.Load(part + rank * context->Count, 0, length);
            Lanes.Store(sum, 0, length, total);
        }
    }

    private struct Context
    {
        public nint Parts;
        public bool Narrow, Fresh;
        public float* Sum;
        public long Count;
        public int Ranks;
    }
}
