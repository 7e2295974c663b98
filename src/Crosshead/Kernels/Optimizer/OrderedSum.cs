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
        if (count > 0) Add(parts, count, checked((int)(parts.numel() / count)), null, -1, sum, fresh);
    }

    /// <summary>The same, where one of the parts lies elsewhere.</summary>
    /// <param name="parts">The other parts, float32 or bfloat16: each begins <paramref name="stride"/> elements behind
    /// the one before it.</param>
    /// <param name="stride">See there.</param>
    /// <param name="ranks">Number of parts, with the one elsewhere.</param>
    /// <param name="own">[n], dense, of the same type: the part elsewhere; null for none.</param>
    /// <param name="rank">Its place among the parts; −1 for none.</param>
    /// <param name="sum">[n] float32, dense; written.</param>
    /// <param name="fresh">Whether the sum begins with part 0, whatever it held before.</param>
    public static void Add(Tensor parts, long stride, int ranks, Tensor? own, int rank, Tensor sum, bool fresh)
    {
        var count = sum.numel();
        if (count == 0 || ranks == 0) return;
        if (sum.device_type == DeviceType.CUDA)
        {
            var lanes = stride % RowSource.ManyLanes == 0 ? RowSource.Lanes(count, parts, own, sum) : 1;
            var blocks = (count / lanes + Threads - 1) / Threads;
            Source.Kernel(sum.device_index, "ordered_sum", parts.dtype, lanes).Launch((checked((int)blocks), 1, 1),
                Threads, 0, [Aten.DataPointer(parts), stride, Aten.Address(own), rank,
                    Aten.DataPointer(sum), count, ranks, fresh ? 1 : 0]);
        }
        else
        {
            var context = new Context
            {
                Parts = Aten.DataPointer(parts),
                Stride = stride,
                Own = Aten.Address(own),
                Rank = rank,
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
        GC.KeepAlive(own);
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
            var sum = (Float32Element*)(context->Sum + at);
            var total = context->Fresh ? Lanes.Load(PartOf<T>(context, 0) + at, 0, length)
                : Lanes.Load(sum, 0, length);
            for (var rank = context->Fresh ? 1 : 0; rank < context->Ranks; rank++)
                total += Lanes.Load(PartOf<T>(context, rank) + at, 0, length);
            Lanes.Store(sum, 0, length, total);
        }
    }

    // The parts behind the one elsewhere move up.
    private static T* PartOf<T>(Context* context, int rank) where T : unmanaged => rank == context->Rank
        ? (T*)context->Own
        : (T*)context->Parts + (rank > context->Rank && context->Rank >= 0 ? rank - 1 : rank) * context->Stride;

    private struct Context
    {
        public nint Parts, Own;
        public long Stride;
        public int Rank;
        public bool Narrow, Fresh;
        public float* Sum;
        public long Count;
        public int Ranks;
    }
}
