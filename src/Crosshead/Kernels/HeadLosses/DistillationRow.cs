using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>The distillation of a row of the teacher's logits into the student's, in one pass of vectors.</summary>
/// <param name="teacher">The teacher's logits [r, V], dense, of the student's type.</param>
/// <param name="terms">What the loss is made of.</param>
internal readonly unsafe struct DistillationRow(void* teacher, DistillationTerms terms) : IRowLoss
{
    private readonly void* _teacher = teacher;
    private readonly DistillationTerms _terms = terms;

    /// <inheritdoc/>
    public static long Cost => 16;

    /// <inheritdoc/>
    public float Row<T>(T* logits, long row, int vocabulary, long target, float scale, bool withGradients)
        where T : unmanaged, IElement<T>
    {
        var (divergence, crossEntropy, temperature) = ((float)_terms.Divergence, (float)_terms.CrossEntropy,
            (float)_terms.Temperature);
        var teacher = (T*)_teacher + (row * vocabulary);
        var sums = new LogSums
        {
            Student = RowLosses.LogSumExp(logits, vocabulary, 1 / temperature),
            Teacher = RowLosses.LogSumExp(teacher, vocabulary, 1 / temperature),
            Plain = RowLosses.LogSumExp(logits, vocabulary),
        };
        var ofTarget = T.Load(logits + target, 1)[0];
        // KL = Σ q (log q − log p), in which the logarithms of the sums come out of the sum.
        var kl = Math.Max(0,
            MeanDifference(logits, teacher, vocabulary, 1 / temperature, sums.Teacher) - sums.Teacher + sums.Student);
        var loss = (divergence * temperature * temperature * kl) + (crossEntropy * (sums.Plain - ofTarget));
        if (!withGradients) return loss;
        var (pull, push) = (divergence * temperature * scale, crossEntropy * scale);
        var gradient = Gradient(ofTarget, T.Load(teacher + target, 1)[0], sums, 1 / temperature, pull, push) - push;
        Gradients(logits, teacher, vocabulary, sums, 1 / temperature, pull, push);
        T.Store(logits + target, Vector512.Create(gradient), 1);
        return loss;
    }

    // Σ q · (teacher − student) · factor with q = softmax(teacher · factor).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float MeanDifference<T>(T* logits, T* teacher, int count, float factor, float logSum)
        where T : unmanaged, IElement<T>
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < count; i += Lanes.Count)
        {
            // lanes past the end are 0 in both, and so is their difference
            var t = Lanes.Load(teacher, i, count) * factor;
            sum += Lanes.Exp(t - Vector512.Create(logSum)) * (t - (Lanes.Load(logits, i, count) * factor));
        }
        return Vector512.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradients<T>(T* logits, T* teacher, int count, LogSums sums, float factor, float pull,
        float push) where T : unmanaged, IElement<T>
    {
        var (student, other, plain) = (Vector512.Create(sums.Student), Vector512.Create(sums.Teacher),
            Vector512.Create(sums.Plain));
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
        ((MathF.Exp((s * factor) - sums.Student) - MathF.Exp((t * factor) - sums.Teacher)) * pull)
        + (MathF.Exp(s - sums.Plain) * push);

    // Logarithms of the softmaxes' denominators.
    private struct LogSums
    {
        public float Student, Teacher, Plain;
    }
}
