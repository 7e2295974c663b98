using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>
/// One AdamW step (decoupled decay) in one pass over parameters, gradients and moments, with the factor of clipping and
/// the parameters' bfloat16 copies in the same pass. Moments are float32, or bfloat16 that is rounded at random.
/// </summary>
internal static unsafe class FusedAdamW
{
    /// <summary>Whether <see cref="Step"/> takes this parameter and gradient.</summary>
    /// <param name="parameter">float32, dense.</param>
    /// <param name="gradient">float32 or bfloat16, dense, of the same shape.</param>
    public static bool Supports(Tensor parameter, Tensor gradient) =>
        RowKernel.SupportsOnCpu(parameter) && parameter.dtype == ScalarType.Float32 && parameter.is_contiguous()
        && RowKernel.SupportsOnCpu(gradient) && gradient.is_contiguous()
        && parameter.shape.AsSpan().SequenceEqual(gradient.shape);

    /// <summary>
    /// With g = gradient · scale: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²,
    /// p ← p·(1 − lr·decay) − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε).
    /// </summary>
    /// <param name="parameters">float32, dense; written.</param>
    /// <param name="gradients">float32 or bfloat16, dense.</param>
    /// <param name="firstMoments">float32 or bfloat16, dense; written.</param>
    /// <param name="secondMoments">Of the same types, dense; written.</param>
    /// <param name="step">The step's numbers.</param>
    /// <param name="copies">Empty, or for each parameter a dense bfloat16 tensor, which gets its new values, or
    /// null.</param>
    /// <param name="roundings">How the moments of each parameter are rounded; empty if they are float32.</param>
    public static void Step(ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> gradients,
        ReadOnlySpan<Tensor> firstMoments, ReadOnlySpan<Tensor> secondMoments, AdamWStep step,
        ReadOnlySpan<Tensor?> copies = default, ReadOnlySpan<RandomRounding> roundings = default)
    {
        var blocks = new TensorBlock[TensorBlock.CountOf(gradients)];
        TensorBlock.Fill(blocks, gradients, parameters, firstMoments, secondMoments, copies, roundings);
        fixed (TensorBlock* address = blocks)
        {
            var context = new Context { Blocks = address, Numbers = new AdamWNumbers(step) };
            CpuParallel.For(blocks.Length, 1, ref context, &Run);
        }
    }

    private static void Run(Context* context, long begin, long end)
    {
        for (var block = context->Blocks + begin; block < context->Blocks + end; block++)
        {
            if (block->NarrowGradient) Run<BFloat16Element>(context, block);
            else Run<Float32Element>(context, block);
        }
    }

    private static void Run<TGradient>(Context* context, TensorBlock* block)
        where TGradient : unmanaged, IElement<TGradient>
    {
        if (block->NarrowMoments) Block<TGradient, BFloat16Element>(context->Numbers, block);
        else Block<TGradient, Float32Element>(context->Numbers, block);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block<TGradient, TMoment>(in AdamWNumbers numbers, TensorBlock* block)
        where TGradient : unmanaged, IElement<TGradient> where TMoment : unmanaged, IElement<TMoment>
    {
        var (parameters, copies, count) = ((nint)block->Parameter, (nint)block->Copy, block->Count);
        var gradients = (TGradient*)block->Gradient;
        var (firsts, seconds) = ((nint)block->FirstMoment, (nint)block->SecondMoment);
        var element = Vector512.Create(block->Rounding) + Vector512<uint>.Indices;
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var gradient = Lanes.Load(gradients, i, count) * numbers.Scale;
            var first = Lanes.Load((TMoment*)firsts, i, count);
            first = Vector512.FusedMultiplyAdd(gradient - first, Vector512.Create(numbers.NewFirst), first);
            var second = Lanes.Load((TMoment*)seconds, i, count) * numbers.Beta2;
            second = Vector512.FusedMultiplyAdd(gradient * gradient, Vector512.Create(numbers.NewSecond), second);
            var divisor = Vector512.FusedMultiplyAdd(Vector512.Sqrt(second), Vector512.Create(numbers.RootCorrection),
                Vector512.Create(numbers.Epsilon));
            var parameter = Lanes.Load((Float32Element*)parameters, i, count) * numbers.Keep
                - first * numbers.StepSize / divisor;
            if (typeof(TMoment) == typeof(BFloat16Element))
            {
                var random = RandomRounding.Mix(element + Vector512.Create((uint)i));
                first = RandomRounding.Round(first, random & Vector512.Create(0xffffu));
                second = RandomRounding.Round(second, random >> 16);
            }
            Lanes.Store((TMoment*)firsts, i, count, first);
            Lanes.Store((TMoment*)seconds, i, count, second);
            Lanes.Store((Float32Element*)parameters, i, count, parameter);
            if (copies != 0) Lanes.Store((BFloat16Element*)copies, i, count, parameter);
        }
    }

    private struct Context
    {
        public TensorBlock* Blocks;
        public AdamWNumbers Numbers;
    }
}
