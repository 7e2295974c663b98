using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>
/// One AdamW step (decoupled decay) in one pass over parameters, gradients and moments, with the factor of clipping and
/// the parameters' bfloat16 copies in the same pass.
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
    /// <param name="firstMoments">float32, dense; written.</param>
    /// <param name="secondMoments">float32, dense; written.</param>
    /// <param name="step">The step's numbers.</param>
    /// <param name="copies">Empty, or a dense bfloat16 tensor for each parameter, which gets its new values.</param>
    public static void Step(ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> gradients,
        ReadOnlySpan<Tensor> firstMoments,
        ReadOnlySpan<Tensor> secondMoments, AdamWStep step, ReadOnlySpan<Tensor> copies = default)
    {
        var blocks = new TensorBlock[TensorBlock.CountOf(gradients)];
        TensorBlock.Fill(blocks, gradients, parameters, firstMoments, secondMoments, copies);
        fixed (TensorBlock* address = blocks)
        {
            var context = new Context
            {
                Blocks = address,
                Scale = (float)step.GradientScale,
                Keep = (float)(1 - step.LearningRate * step.WeightDecay),
                Beta2 = (float)step.Beta2,
                NewFirst = (float)(1 - step.Beta1),
                NewSecond = (float)(1 - step.Beta2),
                StepSize = (float)(step.LearningRate / (1 - Math.Pow(step.Beta1, step.Step))),
                RootCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(step.Beta2, step.Step))),
                Epsilon = (float)step.Epsilon,
            };
            CpuParallel.For(blocks.Length, 1, ref context, &Run);
        }
    }

    private static void Run(Context* context, long begin, long end)
    {
        for (var block = context->Blocks + begin; block < context->Blocks + end; block++)
        {
            if (block->NarrowGradient) Block<BFloat16Element>(context, block);
            else Block<Float32Element>(context, block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block<T>(Context* context, TensorBlock* block) where T : unmanaged, IElement<T>
    {
        var (parameters, firsts, seconds, copies, count) = ((nint)block->Parameter, (nint)block->FirstMoment,
            (nint)block->SecondMoment, (nint)block->Copy, block->Count);
        var gradients = (T*)block->Gradient;
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var gradient = Lanes.Load(gradients, i, count) * context->Scale;
            var first = Lanes.Load((Float32Element*)firsts, i, count);
            first = Vector512.FusedMultiplyAdd(gradient - first, Vector512.Create(context->NewFirst), first);
            var second = Lanes.Load((Float32Element*)seconds, i, count) * context->Beta2;
            second = Vector512.FusedMultiplyAdd(gradient * gradient, Vector512.Create(context->NewSecond), second);
            var divisor = Vector512.FusedMultiplyAdd(Vector512.Sqrt(second), Vector512.Create(context->RootCorrection),
                Vector512.Create(context->Epsilon));
            var parameter = Lanes.Load((Float32Element*)parameters, i, count) * context->Keep
                - first * context->StepSize / divisor;
            Lanes.Store((Float32Element*)firsts, i, count, first);
            Lanes.Store((Float32Element*)seconds, i, count, second);
            Lanes.Store((Float32Element*)parameters, i, count, parameter);
            if (copies != 0) Lanes.Store((BFloat16Element*)copies, i, count, parameter);
        }
    }

    private struct Context
    {
        public TensorBlock* Blocks;
        public float Scale, Keep, Beta2, NewFirst, NewSecond, StepSize, RootCorrection, Epsilon;
    }
}
