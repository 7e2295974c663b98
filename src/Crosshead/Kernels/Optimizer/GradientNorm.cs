using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>
/// The length of all gradients as one vector, the same bits on every run and for every number of threads.
/// </summary>
internal static unsafe class GradientNorm
{
    /// <summary>Σ g², summed in float64: blocks of fixed size each by itself, then in order.</summary>
    /// <param name="gradients">Dense CPU tensors in float32 or bfloat16.</param>
    public static double Squared(ReadOnlySpan<Tensor> gradients)
    {
        var blocks = new TensorBlock[TensorBlock.CountOf(gradients)];
        var sums = new double[blocks.Length];
        TensorBlock.Fill(blocks, gradients);
        fixed (TensorBlock* blocksAddress = blocks)
        fixed (double* sumsAddress = sums)
        {
            var context = new Context { Blocks = blocksAddress, Sums = sumsAddress };
            CpuParallel.For(blocks.Length, 1, ref context, &Run);
        }
        var total = 0.0;
        foreach (var sum in sums) total += sum;
        return total;
    }

    private static void Run(Context* context, long begin, long end)
    {
        for (var i = begin; i < end; i++)
        {
            var block = context->Blocks + i;
            context->Sums[i] = block->NarrowGradient ? OfBlock((BFloat16Element*)block->Gradient, block->Count)
                : OfBlock((Float32Element*)block->Gradient, block->Count);
        }
    }

    /// <summary>Σ x² of a block: sixteen sums of every sixteenth number, then these in pairs.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="count">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double OfBlock<T>(T* values, int count) where T : unmanaged, IElement<T>
    {
        var (lower, upper) = (Vector512<double>.Zero, Vector512<double>.Zero);
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var (low, high) = Vector512.Widen(Lanes.Load(values, i, count));
            lower = Vector512.FusedMultiplyAdd(low, low, lower);
            upper = Vector512.FusedMultiplyAdd(high, high, upper);
        }
        return Vector512.Sum(lower + upper);
    }

    private struct Context
    {
        public TensorBlock* Blocks;
        public double* Sums;
    }
}
