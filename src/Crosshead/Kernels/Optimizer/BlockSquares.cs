using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>
/// Sums of squares of the blocks of tensors, and their sum. The bits are those of <see cref="GradientNorm"/>, on the
/// CPU and on a GPU.
/// </summary>
internal static unsafe class BlockSquares
{
    private const int Threads = 128, ThreadsOfBlock = 16, Warp = 32;

    private static readonly RowSource Source = new("block_squares.cu");

    /// <summary>sums[b] ← Σ values[i]² for starts[b] ≤ i &lt; starts[b + 1], in float64.</summary>
    /// <param name="values">[n] float32 or bfloat16, dense.</param>
    /// <param name="starts">[blocks + 1] int64, rising, on the same device.</param>
    /// <param name="sums">[blocks] float64, dense; written.</param>
    public static void Fill(Tensor values, Tensor starts, Tensor sums)
    {
        var blocks = checked((int)sums.numel());
        if (blocks == 0) return;
        if (values.device_type == DeviceType.CUDA)
        {
            var grid = (int)(((long)blocks * ThreadsOfBlock + Threads - 1) / Threads);
            Source.Kernel(values.device_index, "block_squares", values.dtype, lanes: 1).Launch((grid, 1, 1), Threads, 0,
                [Aten.DataPointer(values), Aten.DataPointer(starts), Aten.DataPointer(sums), blocks]);
        }
        else
        {
            var context = new Context
            {
                Values = Aten.DataPointer(values),
                Narrow = values.dtype == ScalarType.BFloat16,
                Starts = (long*)Aten.DataPointer(starts),
                Sums = (double*)Aten.DataPointer(sums),
            };
            CpuParallel.For(blocks, 1, ref context, &Run);
        }
        GC.KeepAlive(values);
        GC.KeepAlive(starts);
        GC.KeepAlive(sums);
    }

    /// <summary>Whether <see cref="Of"/> takes a tensor.</summary>
    public static bool Supports(Tensor values) =>
        RowSource.Supports(values) && values.dtype == ScalarType.Float32 && values.is_contiguous();

    /// <summary>Σ x² of several tensors, by blocks of <see cref="TensorBlock.Length"/>.</summary>
    /// <param name="tensors">On one CUDA device, float32, dense.</param>
    /// <returns>A float64 scalar on the device.</returns>
    public static Tensor Of(IReadOnlyList<Tensor> tensors)
    {
        using var scope = NewDisposeScope();
        var count = tensors.Count;
        var table = new long[3 * count];
        var blocks = 0L;
        for (var i = 0; i < count; i++)
        {
            var numbers = tensors[i].numel();
            (table[i], table[count + i], table[(2 * count) + i]) = (Aten.DataPointer(tensors[i]), numbers, blocks);
            blocks += (numbers + TensorBlock.Length - 1) / TensorBlock.Length;
        }
        var device = tensors[0].device;
        var (known, sums) = (Upload.To(tensor(table), device), zeros(blocks, ScalarType.Float64, device));
        var total = zeros([], ScalarType.Float64, device);
        if (blocks == 0) return total.MoveToOuterDisposeScope();
        var (address, bytes) = (Aten.DataPointer(known), count * sizeof(long));
        var grid = checked((int)((blocks * ThreadsOfBlock + Threads - 1) / Threads));
        Source.Kernel(tensors[0].device_index, "tensor_squares", ScalarType.Float32, lanes: 1).Launch((grid, 1, 1),
            Threads, 0,
            [
                address, address + bytes, address + (2 * bytes), Aten.DataPointer(sums), count, (int)blocks,
                TensorBlock.Length,
            ]);
        Total(sums, total);
        foreach (var tensor in tensors) GC.KeepAlive(tensor);
        return total.MoveToOuterDisposeScope();
    }

    /// <summary>total ← sums[0] + sums[1] + …, from left to right. The host does not wait.</summary>
    /// <param name="sums">[blocks] float64, dense.</param>
    /// <param name="total">A float64 scalar on the same device; written.</param>
    public static void Total(Tensor sums, Tensor total)
    {
        var blocks = checked((int)sums.numel());
        if (sums.device_type == DeviceType.CUDA)
        {
            Source.Kernel(sums.device_index, "sum_in_order", ScalarType.Float32, lanes: 1).Launch((1, 1, 1), Warp, 0,
                [Aten.DataPointer(sums), Aten.DataPointer(total), blocks]);
        }
        else
        {
            var sum = 0.0;
            foreach (var one in new ReadOnlySpan<double>((void*)Aten.DataPointer(sums), blocks)) sum += one;
            *(double*)Aten.DataPointer(total) = sum;
        }
        GC.KeepAlive(sums);
        GC.KeepAlive(total);
    }

    private static void Run(Context* context, long begin, long end)
    {
        for (var block = begin; block < end; block++)
        {
            var start = context->Starts[block];
            var count = checked((int)(context->Starts[block + 1] - start));
            context->Sums[block] = context->Narrow
                ? GradientNorm.OfBlock((BFloat16Element*)context->Values + start, count)
                : GradientNorm.OfBlock((Float32Element*)context->Values + start, count);
        }
    }

    private struct Context
    {
        public nint Values;
        public bool Narrow;
        public long* Starts;
        public double* Sums;
    }
}
