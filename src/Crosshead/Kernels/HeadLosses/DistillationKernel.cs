using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>The loop of <see cref="LinearDistillation"/> over the rows of a chunk of logits, on the CPU in one pass of vectors.</summary>
internal static unsafe class DistillationKernel
{
    /// <summary>Writes each row's loss and, if asked for, its gradient · <paramref name="scale"/> over the student's logits.</summary>
    /// <param name="logits">The student's [r, V], dense; overwritten if <paramref name="withGradients"/>.</param>
    /// <param name="teacher">The teacher's [r, V], dense, of the same type.</param>
    /// <param name="targets">[r]</param>
    /// <param name="losses">[r], float32; 0 for ignored rows.</param>
    /// <param name="ignoreIndex">Marks rows that do not count.</param>
    /// <param name="terms">What the loss is made of.</param>
    /// <param name="scale">Factor of the gradients.</param>
    /// <param name="withGradients">Whether to write the gradients.</param>
    public static void Run(Tensor logits, Tensor teacher, Tensor targets, Tensor losses, long ignoreIndex, DistillationTerms terms, float scale, bool withGradients)
    {
        var context = new Context
        {
            Logits = (void*)Aten.DataPointer(logits),
            Teacher = (void*)Aten.DataPointer(teacher),
            Targets = (long*)Aten.DataPointer(targets),
            Losses = (float*)Aten.DataPointer(losses),
            Vocabulary = (int)logits.shape[1],
            IgnoreIndex = ignoreIndex,
            Terms = terms,
            Scale = scale,
            WithGradients = withGradients,
        };
        var grain = RowKernel.Grain(context.Vocabulary * 16L);
        if (logits.dtype == ScalarType.BFloat16) CpuParallel.For(logits.shape[0], grain, ref context, &Rows<Brain16>);
        else CpuParallel.For(logits.shape[0], grain, ref context, &Rows<Float32>);
        GC.KeepAlive(logits);
        GC.KeepAlive(teacher);
        GC.KeepAlive(targets);
        GC.KeepAlive(losses);
    }

    private static void Rows<T>(Context* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var vocabulary = context->Vocabulary;
        var (divergence, crossEntropy, temperature) = ((float)context->Terms.Divergence, (float)context->Terms.CrossEntropy, (float)context->Terms.Temperature);
        for (var row = begin; row < end; row++)
        {
            var logits = (T*)context->Logits + (row * vocabulary);
            var teacher = (T*)context->Teacher + (row * vocabulary);
            var target = context->Targets[row];
            if (target == context->IgnoreIndex)
            {
                context->Losses[row] = 0;
                if (context->WithGradients) Unsafe.InitBlockUnaligned(logits, 0, (uint)(vocabulary * sizeof(T)));
                continue;
            }
            var sums = new LogSums
            {
                Student = CrossEntropyKernel.LogSumExp(logits, vocabulary, 1 / temperature),
                Teacher = CrossEntropyKernel.LogSumExp(teacher, vocabulary, 1 / temperature),
                Plain = CrossEntropyKernel.LogSumExp(logits, vocabulary),
            };
            var ofTarget = T.Load(logits + target, 1)[0];
            // KL = Σ q (log q − log p), in which the logarithms of the sums come out of the sum.
            var kl = Math.Max(0, MeanDifference(logits, teacher, vocabulary, 1 / temperature, sums.Teacher) - sums.Teacher + sums.Student);
            context->Losses[row] = (divergence * temperature * temperature * kl) + (crossEntropy * (sums.Plain - ofTarget));
            if (!context->WithGradients) continue;
            var (pull, push) = (divergence * temperature * context->Scale, crossEntropy * context->Scale);
            var gradient = Gradient(ofTarget, T.Load(teacher + target, 1)[0], sums, 1 / temperature, pull, push) - push;
            Gradients(logits, teacher, vocabulary, sums, 1 / temperature, pull, push);
            T.Store(logits + target, Vector512.Create(gradient), 1);
        }
    }

    // Σ q · (teacher − student) · factor with q = softmax(teacher · factor).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float MeanDifference<T>(T* logits, T* teacher, int count, float factor, float logSum) where T : unmanaged, IElement<T>
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var t = Lanes.Load(teacher, i, count) * factor; // lanes past the end are 0 in both, and so is their difference
            sum += Lanes.Exp(t - Vector512.Create(logSum)) * (t - (Lanes.Load(logits, i, count) * factor));
        }
        return Vector512.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradients<T>(T* logits, T* teacher, int count, LogSums sums, float factor, float pull, float push) where T : unmanaged, IElement<T>
    {
        var (student, other, plain) = (Vector512.Create(sums.Student), Vector512.Create(sums.Teacher), Vector512.Create(sums.Plain));
        var both = factor == 1; // one softmax serves both terms
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var s = Lanes.Load(logits, i, count);
            var p = Lanes.Exp((s * factor) - student);
            var q = Lanes.Exp((Lanes.Load(teacher, i, count) * factor) - other);
            var own = both ? p : Lanes.Exp(s - plain);
            Lanes.Store(logits, i, count, ((p - q) * pull) + (own * push));
        }
    }

    private static float Gradient(float s, float t, LogSums sums, float factor, float pull, float push) =>
        ((MathF.Exp((s * factor) - sums.Student) - MathF.Exp((t * factor) - sums.Teacher)) * pull) + (MathF.Exp(s - sums.Plain) * push);

    // Logarithms of the softmaxes' denominators.
    private struct LogSums
    {
        public float Student, Teacher, Plain;
    }

    private struct Context
    {
        public void* Logits;
        public void* Teacher;
        public long* Targets;
        public float* Losses;
        public int Vocabulary;
        public long IgnoreIndex;
        public DistillationTerms Terms;
        public float Scale;
        public bool WithGradients;
    }
}
