using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>
/// Two output heads and the distillation of one model into another (Hinton et al., 2015), without ever holding all logits
/// of either: a chunk of tokens at a time, whose gradients are computed while its logits are there and scaled in the
/// backward pass. On the CPU the rows go through <see cref="DistillationKernel"/>, elsewhere through libtorch.
/// </summary>
internal static class LinearDistillation
{
    // Logits of one chunk, of each model.
    private const long ChunkElements = 1 << 20;
    private const long FewestRows = 64;

    /// <summary>The mean loss over the targets that count, a scalar in at least float32; gradients flow to the student alone.</summary>
    /// <param name="hidden">The student's final hidden states [T, D].</param>
    /// <param name="weight">The student's head [V, D]; its gradient is summed in at least float32.</param>
    /// <param name="teacherHidden">The teacher's final hidden states [T, D'], in the student's precision.</param>
    /// <param name="teacherWeight">The teacher's head [V, D'].</param>
    /// <param name="targets">[T] (int64): 0 … V−1, or <see cref="FusedLinearCrossEntropy.IgnoreIndex"/>.</param>
    /// <param name="terms">What the loss is made of.</param>
    public static Tensor Apply(Tensor hidden, Tensor weight, Tensor teacherHidden, Tensor teacherWeight, Tensor targets, DistillationTerms terms)
    {
        var withGradients = GradientNode.Needed(hidden, weight);
        Tensor loss;
        Tensor? hiddenGradient, weightGradient;
        using (no_grad())
        using (NewDisposeScope())
        {
            var type = MatrixProduct.TypeFor(hidden);
            var (student, teacher) = (RowKernel.Dense(hidden.detach()).to_type(type), RowKernel.Dense(teacherHidden).to_type(type));
            var sums = student.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            hiddenGradient = withGradients && hidden.requires_grad ? empty_like(student) : null;
            weightGradient = withGradients && weight.requires_grad ? zeros(weight.shape, sums, student.device) : null;
            loss = Chunks(student, weight.detach().to_type(student.dtype), teacher, teacherWeight.detach().to_type(student.dtype), RowKernel.Dense(targets), terms, hiddenGradient, weightGradient)
                .to(sums).MoveToOuterDisposeScope();
            hiddenGradient = hiddenGradient?.to_type(hidden.dtype);
            hiddenGradient?.MoveToOuterDisposeScope();
            weightGradient?.MoveToOuterDisposeScope();
        }
        if (withGradients) Record(hidden, weight, loss, hiddenGradient, weightGradient);
        return loss;
    }

    private static void Record(Tensor hidden, Tensor weight, Tensor loss, Tensor? hiddenGradient, Tensor? weightGradient)
    {
        var type = weight.dtype;
        var (forHidden, forWeight) = (hiddenGradient is not null, weightGradient is not null);
        Tensor[] saved = [.. new[] { hiddenGradient, weightGradient }.OfType<Tensor>()];
        GradientNode.Record([hidden, weight], [loss], saved, (saved, outputs) => outputs[0] is not { } gradient ? [null, null] :
        [
            forHidden ? saved[0].mul(gradient).to_type(saved[0].dtype) : null,
            forWeight ? saved[^1].mul(gradient).to_type(type) : null,
        ]);
        foreach (var tensor in saved) tensor.Dispose();
    }

    // The mean loss, float64; adds up its gradients where asked for.
    private static Tensor Chunks(Tensor hidden, Tensor weight, Tensor teacherHidden, Tensor teacherWeight, Tensor targets, DistillationTerms terms, Tensor? hiddenGradient, Tensor? weightGradient)
    {
        var (rows, vocabulary) = (hidden.shape[0], weight.shape[0]);
        var withGradients = hiddenGradient is not null || weightGradient is not null;
        using Scalar one = 1, ignored = FusedLinearCrossEntropy.IgnoreIndex;
        var counted = targets.ne(ignored).sum(type: ScalarType.Int64).clamp(min: one).to(ScalarType.Float64);
        var chunk = Math.Clamp(ChunkElements / vocabulary, FewestRows, Math.Max(FewestRows, rows));
        Tensor Buffer() => empty([Math.Min(chunk, rows), vocabulary], hidden.dtype, hidden.device);
        var (ownBuffer, otherBuffer) = (Buffer(), Buffer());
        var total = zeros([], ScalarType.Float64, hidden.device);
        for (var start = 0L; start < rows; start += chunk)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(chunk, rows - start);
            var (input, ofRows) = (hidden.narrow(0, start, count), targets.narrow(0, start, count));
            var (logits, teacher) = (ownBuffer.narrow(0, 0, count), otherBuffer.narrow(0, 0, count));
            Aten.MatMul(input, weight.t(), logits);
            Aten.MatMul(teacherHidden.narrow(0, start, count), teacherWeight.t(), teacher);
            total.add_(Rows(logits, teacher, ofRows, counted, terms, withGradients));
            if (hiddenGradient is not null) Aten.MatMul(logits, weight, hiddenGradient.narrow(0, start, count));
            if (weightGradient is null) continue;
            if (logits.dtype == weightGradient.dtype) weightGradient.addmm_(logits.t(), input);
            else weightGradient.add_(logits.t().matmul(input));
        }
        return total.div(counted);
    }

    // The rows' summed loss, float64; their gradients of the mean take the place of the student's logits.
    private static Tensor Rows(Tensor logits, Tensor teacher, Tensor targets, Tensor counted, DistillationTerms terms, bool withGradients)
    {
        if (RowKernel.SupportsOnCpu(logits))
        {
            var losses = empty([logits.shape[0]], ScalarType.Float32);
            DistillationKernel.Run(logits, teacher, targets, losses, FusedLinearCrossEntropy.IgnoreIndex, terms, (float)(1 / counted.item<double>()), withGradients);
            return losses.sum(type: ScalarType.Float64);
        }
        using Scalar ignored = FusedLinearCrossEntropy.IgnoreIndex, zero = 0, divergence = terms.Divergence, crossEntropy = terms.CrossEntropy,
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
