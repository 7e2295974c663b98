using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>
/// Two output heads and the distillation of one model into another (Hinton et al., 2015), a chunk of tokens at a time
/// (see <see cref="HeadLoss"/>). On the CPU the rows go through <see cref="DistillationRow"/>, elsewhere through
/// libtorch.
/// </summary>
internal sealed class LinearDistillation : IHeadLoss
{
    private readonly Tensor _teacherHidden;
    private readonly Tensor _teacherHead; // [D', V]
    private readonly Tensor _targets;
    private readonly DistillationTerms _terms;
    private readonly Tensor _counted; // how many targets count, at least 1, a float64 scalar
    private readonly Tensor _total; // of the losses so far, a float64 scalar
    private Tensor? _buffer; // the teacher's logits of a chunk

    private LinearDistillation(Tensor rows, Tensor teacherHidden, Tensor teacherWeight, Tensor targets,
        DistillationTerms terms)
    {
        _teacherHidden = RowKernel.Dense(teacherHidden).to_type(rows.dtype);
        _teacherHead = teacherWeight.detach().to_type(rows.dtype).t();
        (_targets, _terms) = (RowKernel.Dense(targets), terms);
        using Scalar one = 1, ignored = FusedLinearCrossEntropy.IgnoreIndex;
        _counted = _targets.ne(ignored).sum(type: ScalarType.Int64).clamp(min: one).to(ScalarType.Float64);
        _total = zeros([], ScalarType.Float64, rows.device);
    }

    /// <summary>
    /// The mean loss over the targets that count, a scalar in at least float32; gradients flow to the student alone.
    /// </summary>
    /// <param name="hidden">The student's final hidden states [T, D].</param>
    /// <param name="weight">The student's head [V, D]; its gradient is summed in at least float32.</param>
    /// <param name="teacherHidden">The teacher's final hidden states [T, D'], in the student's precision.</param>
    /// <param name="teacherWeight">The teacher's head [V, D'].</param>
    /// <param name="targets">[T] (int64): 0 … V−1, or <see cref="FusedLinearCrossEntropy.IgnoreIndex"/>.</param>
    /// <param name="terms">What the loss is made of.</param>
    /// <param name="leaf">What takes the gradient of the student's head; null for the head itself.</param>
    public static Tensor Apply(Tensor hidden, Tensor weight, Tensor teacherHidden, Tensor teacherWeight, Tensor targets,
        DistillationTerms terms, Tensor? leaf = null) =>
        HeadLoss.Apply(hidden, weight, leaf ?? weight,
            rows => new LinearDistillation(rows, teacherHidden, teacherWeight, targets, terms), terms.Cap);

    /// <inheritdoc/>
    public long ChunkElements => 1 << 20; // of each model

    /// <inheritdoc/>
    public void Take(Tensor logits, long start, bool withGradients)
    {
        var count = logits.shape[0];
        _buffer ??= empty_like(logits).MoveToOuterDisposeScope(); // the first chunk is the largest
        var teacher = _buffer.narrow(0, 0, count);
        Aten.MatMul(_teacherHidden.narrow(0, start, count), _teacherHead, teacher);
        LogitCap.Take(teacher, _terms.TeacherCap, withSlopes: false);
        _total.add_(Rows(logits, teacher, _targets.narrow(0, start, count), _counted, _terms, withGradients));
    }

    /// <inheritdoc/>
    public Tensor Mean() => _total.div(_counted);

    // The rows' summed loss, float64; their gradients of the mean take the place of the student's logits.
    private static Tensor Rows(Tensor logits, Tensor teacher, Tensor targets, Tensor counted, DistillationTerms terms,
        bool withGradients)
    {
        if (RowKernel.SupportsOnCpu(logits))
        {
            var losses = empty([logits.shape[0]], ScalarType.Float32);
            unsafe
            {
                var row = new DistillationRow((void*)Aten.DataPointer(teacher), terms);
                RowLosses.Run(row, logits, targets, losses, FusedLinearCrossEntropy.IgnoreIndex,
                    (float)(1 / counted.item<double>()), withGradients);
                GC.KeepAlive(teacher);
            }
            return losses.sum(type: ScalarType.Float64);
        }
        using Scalar ignored = FusedLinearCrossEntropy.IgnoreIndex, zero = 0, divergence = terms.Divergence,
            crossEntropy = terms.CrossEntropy,
            temperature = terms.Temperature, square = terms.Temperature * terms.Temperature;
        var type = logits.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var counts = targets.ne(ignored).to(type).unsqueeze(1);                       // [r,1]
        var chosen = targets.clamp(min: zero).unsqueeze(1);                           // [r,1]
        var plain = logits.to(type);
        var p = plain.div(temperature).log_softmax(-1);                               // [r,V], logarithms
        var q = teacher.to(type).div(temperature).log_softmax(-1);
        var own = plain.log_softmax(-1);
        var kl = q.exp().mul(q - p).sum(-1, keepdim: true);
        var loss = kl.mul(square).mul(divergence) - own.gather(1, chosen).mul(crossEntropy);
        if (withGradients)
        {
            var gradient = (p.exp() - q.exp()).mul(temperature).mul(divergence) + own.exp().mul(crossEntropy);
            gradient.scatter_add_(1, chosen, full_like(loss, -terms.CrossEntropy));
            logits.copy_(gradient.mul(counts).div(counted.to(type)));
        }
        return loss.mul(counts).sum(type: ScalarType.Float64);
    }
}
