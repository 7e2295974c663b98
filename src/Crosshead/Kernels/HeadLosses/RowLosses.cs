using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>A loss of one row of logits on the CPU.</summary>
internal unsafe interface IRowLoss
{
    /// <summary>What an element of a row costs beside an addition, for the share of work worth a thread.</summary>
    static abstract long Cost { get; }

    /// <summary>
    /// The loss of a row; with gradients, those times <paramref name="scale"/> take the place of its logits.
    /// </summary>
    float Row<T>(T* logits, long row, int vocabulary, long target, float scale, bool withGradients) where T : unmanaged,
        IElement<T>;
}

/// <summary>The loop over the rows of a chunk of logits on the CPU.</summary>
internal static unsafe class RowLosses
{
    /// <summary>
    /// Writes each row's loss and, if asked for, its gradient · <paramref name="scale"/> over the logits.
    /// </summary>
    /// <param name="loss">The loss of a row.</param>
    /// <param name="logits">[r, V], dense; overwritten if <paramref name="withGradients"/>.</param>
    /// <param name="targets">[r]</param>
    /// <param name="losses">[r], float32; 0 for ignored rows.</param>
    /// <param name="ignoreIndex">Marks rows that do not count.</param>
    /// <param name="scale">Factor of the gradients.</param>
    /// <param name="withGradients">Whether to write the gradients.</param>
    public static void Run<TLoss>(TLoss loss, Tensor logits, Tensor targets, Tensor losses, long ignoreIndex,
        float scale, bool withGradients)
        where TLoss : unmanaged, IRowLoss
    {
        var context = new Context<TLoss>
        {
            Loss = loss,
            Logits = (void*)Aten.DataPointer(logits),
            Targets = (long*)Aten.DataPointer(targets),
            Losses = (float*)Aten.DataPointer(losses),
            Vocabulary = (int)logits.shape[1],
            IgnoreIndex = ignoreIndex,
            Scale = scale,
            WithGradients = withGradients,
        };
        var grain = RowKernel.Grain(context.Vocabulary * TLoss.Cost);
        if (logits.dtype == ScalarType.BFloat16)
            CpuParallel.For(logits.shape[0], grain, ref context, &Rows<TLoss, BFloat16Element>);
        else CpuParallel.For(logits.shape[0], grain, ref context, &Rows<TLoss, Float32Element>);
        GC.KeepAlive(logits);
        GC.KeepAlive(targets);
        GC.KeepAlive(losses);
    }

    /// <summary>log Σ exp(factor · logit) of a row; the factor is positive.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float LogSumExp<T>(T* logits, int count, float factor = 1) where T : unmanaged, IElement<T>
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

    private static void Rows<TLoss, T>(Context<TLoss>* context, long begin, long end) where TLoss : unmanaged,
        IRowLoss where T : unmanaged, IElement<T>
    {
        var vocabulary = context->Vocabulary;
        for (var row = begin; row < end; row++)
        {
            var logits = (T*)context->Logits + (row * vocabulary);
            var target = context->Targets[row];
            if (target != context->IgnoreIndex)
            {
                context->Losses[row] = context->Loss.Row(logits, row, vocabulary, target, context->Scale,
                    context->WithGradients);
                continue;
            }
            context->Losses[row] = 0;
            if (context->WithGradients) Unsafe.InitBlockUnaligned(logits, 0, (uint)(vocabulary * sizeof(T)));
        }
    }

    private struct Context<TLoss> where TLoss : unmanaged
    {
        public TLoss Loss;
        public void* Logits;
        public long* Targets;
        public float* Losses;
        public int Vocabulary;
        public long IgnoreIndex;
        public float Scale;
        public bool WithGradients;
    }
}
