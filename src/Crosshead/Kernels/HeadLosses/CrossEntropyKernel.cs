using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>The loop of <see cref="FusedLinearCrossEntropy"/> over the rows of a chunk of logits.</summary>
internal static unsafe class CrossEntropyKernel
{
    /// <summary>Writes each row's loss and, if asked for, its gradient (softmax − one-hot)·scale over the logits.</summary>
    /// <param name="logits">[r, V], dense; overwritten if <paramref name="withGradients"/>.</param>
    /// <param name="targets">[r]</param>
    /// <param name="losses">[r], float32; 0 for ignored rows.</param>
    /// <param name="ignoreIndex">Marks rows that do not count.</param>
    /// <param name="scale">Factor of the gradients, a float32 scalar on the device of the logits.</param>
    /// <param name="withGradients">Whether to write the gradients.</param>
    public static void Run(Tensor logits, Tensor targets, Tensor losses, long ignoreIndex, Tensor scale, bool withGradients)
    {
        if (logits.device_type == TorchSharp.DeviceType.CUDA)
        {
            CudaCrossEntropy.Run(logits, targets, losses, ignoreIndex, scale, withGradients);
            return;
        }
        var context = new Context
        {
            Logits = (void*)Aten.DataPointer(logits),
            Targets = (long*)Aten.DataPointer(targets),
            Losses = (float*)Aten.DataPointer(losses),
            Vocabulary = (int)logits.shape[1],
            IgnoreIndex = ignoreIndex,
            Scale = scale.item<float>(),
            WithGradients = withGradients,
        };
        var grain = RowKernel.Grain(context.Vocabulary * 8L);
        if (logits.dtype == ScalarType.BFloat16) CpuParallel.For(logits.shape[0], grain, ref context, &Rows<Brain16>);
        else CpuParallel.For(logits.shape[0], grain, ref context, &Rows<Float32>);
        GC.KeepAlive(logits);
        GC.KeepAlive(targets);
        GC.KeepAlive(losses);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var vocabulary = context->Vocabulary;
        for (var row = begin; row < end; row++)
        {
            var logits = (T*)context->Logits + row * vocabulary;
            var target = context->Targets[row];
            if (target == context->IgnoreIndex)
            {
                context->Losses[row] = 0;
                if (context->WithGradients) Unsafe.InitBlockUnaligned(logits, 0, (uint)(vocabulary * sizeof(T)));
                continue;
            }

            var logSum = LogSumExp(logits, vocabulary);
            context->Losses[row] = logSum - T.Load(logits + target, 1)[0];
            if (!context->WithGradients) continue;
            var shift = Vector512.Create(logSum);
            var scale = context->Scale;
            var ofTarget = (Lanes.Exp(T.Load(logits + target, 1) - shift) - Vector512<float>.One) * scale;
            for (var i = 0; i < vocabulary; i += Lanes.Count)
                Lanes.Store(logits, i, vocabulary, Lanes.Exp(Lanes.Load(logits, i, vocabulary) - shift) * scale);
            T.Store(logits + target, ofTarget, 1);
        }
    }

    /// <summary>log Σ exp(factor · logit) of a row; the factor is positive.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float LogSumExp<T>(T* logits, int count, float factor = 1) where T : unmanaged, IElement<T>
    {
        var largest = Vector512.Create(float.NegativeInfinity);
        for (var i = 0; i < count; i += Lanes.Count)
            largest = Vector512.Max(largest, Lanes.Load(logits, i, count, float.NegativeInfinity));
        var max = Lanes.Max(largest) * factor;
        var shift = Vector512.Create(max);
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < count; i += Lanes.Count)
            sum += Lanes.Exp((Lanes.Load(logits, i, count, float.NegativeInfinity) * factor) - shift);
        return max + MathF.Log(Vector512.Sum(sum));
    }

    private struct Context
    {
        public void* Logits;
        public long* Targets;
        public float* Losses;
        public int Vocabulary;
        public long IgnoreIndex;
        public float Scale;
        public bool WithGradients;
    }
}
