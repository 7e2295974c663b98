using Crosshead.Kernels.Common;
using Crosshead.Kernels.HeadLosses;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.HeadLosses;

public sealed class LinearDistillationTests
{
    private const long Rows = 90, Width = 24, TeacherWidth = 16;

    [Theory]
    [InlineData(ScalarType.Float64, ScalarType.Float64, 37, 1.0, 1.0, null, null, 1e-11)]
    [InlineData(ScalarType.Float64, ScalarType.Float64, 20000, 0.7, 2.5, null, null, 1e-11)] // more than one chunk
    [InlineData(ScalarType.Float64, ScalarType.Float64, 20000, 0.7, 2.5, 3.0, 5.0, 1e-11)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 37, 0.7, 1.0, null, null, 2e-5)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 513, 0.0, 1.0, 4.0, null, 2e-5)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 20000, 0.7, 2.5, null, 4.0, 2e-5)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 500, 0.7, 2.0, null, null, 0.05)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 500, 0.7, 2.0, 6.0, 6.0, 0.05)]
    public void Loss_and_gradients_are_those_of_the_plain_definition(ScalarType type, ScalarType weightType,
        long vocabulary, double share, double temperature, double? cap, double? teacherCap, double tolerance)
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, known, head) = Inputs(type, weightType, vocabulary);
        var targets = Targets(vocabulary);
        var loss = LinearDistillation.Apply(hidden, weight, known, head, targets,
            new DistillationTerms(share, 1 - share, temperature) { Cap = cap, TeacherCap = teacherCap });
        loss.mul(3).backward();

        var (h, w) = (hidden.detach().to(ScalarType.Float64).requires_grad_(),
            weight.detach().to(type).to(ScalarType.Float64).requires_grad_());
        var expected = Plain(Capped(h.matmul(w.t()), cap),
            Capped(known.to(ScalarType.Float64).matmul(head.to(type).to(ScalarType.Float64).t()), teacherCap), targets,
            share, temperature);
        expected.mul(3).backward();
        Assert.InRange(Math.Abs(loss.to(ScalarType.Float64).item<double>() - expected.item<double>()), 0,
            tolerance * Math.Max(0.1, expected.item<double>()));
        Assert.InRange(TensorLeaks.RelativeError(hidden.grad!, h.grad!), 0, tolerance);
        Assert.InRange(TensorLeaks.RelativeError(weight.grad!, w.grad!), 0, tolerance);
        Assert.Null(known.grad);
        Assert.Null(head.grad);
    }

    [Fact]
    public void A_student_that_agrees_has_neither_loss_nor_gradient()
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, _, _) = Inputs(ScalarType.Float32, ScalarType.Float32, 100);
        var loss = LinearDistillation.Apply(hidden, weight, hidden.detach(), weight.detach(), Targets(100),
            new DistillationTerms(1, 0, 2));
        loss.backward();
        Assert.InRange(loss.item<float>(), 0, 1e-5);
        Assert.InRange(hidden.grad!.abs().max().item<float>(), 0, 1e-6);
    }

    [Fact]
    public void No_target_that_counts_is_no_loss()
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, known, head) = Inputs(ScalarType.Float64, ScalarType.Float64, 9);
        var loss = LinearDistillation.Apply(hidden, weight, known, head, full([Rows], -100L, ScalarType.Int64),
            new DistillationTerms(0.5, 0.5, 1));
        loss.backward();
        Assert.Equal(0, loss.item<double>());
        Assert.Equal(0, hidden.grad!.abs().max().item<double>());
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    public void No_tensor_is_left(ScalarType type) => TensorLeaks.None(() =>
    {
        using var scope = NewDisposeScope();
        var (hidden, weight, known, head) = Inputs(type, type, 50);
        LinearDistillation.Apply(hidden, weight, known, head, Targets(50), new DistillationTerms(0.5, 0.5, 2))
            .backward();
        GradientNode.RethrowFailure();
    });

    private static Tensor Capped(Tensor logits, double? cap) =>
        cap is { } most ? logits.div(most).tanh().mul(most) : logits;

    // weight · T² · KL(softmax(t/T) ‖ softmax(s/T)) + (1 − weight) · cross-entropy, mean over the targets that count.
    private static Tensor Plain(Tensor student, Tensor teacher, Tensor targets, double share, double temperature)
    {
        var counts = targets.ne(-100);
        var (p, q) = (student.div(temperature).log_softmax(-1), teacher.div(temperature).log_softmax(-1));
        var kl = (q.exp() * (q - p)).sum(-1).masked_select(counts).mean();
        return (kl * share * temperature * temperature) + (nn.functional.cross_entropy(student, targets) * (1 - share));
    }

    private static (Tensor Hidden, Tensor Weight, Tensor Known, Tensor Head) Inputs(ScalarType type,
        ScalarType weightType, long vocabulary) =>
        (KernelCheck.Random(1, type, Rows, Width).requires_grad_(),
            (KernelCheck.Random(2, weightType, vocabulary, Width) * 0.5).detach().requires_grad_(), KernelCheck.Random(
                3, type, Rows, TeacherWidth), (KernelCheck.Random(4, type, vocabulary, TeacherWidth) * 0.7).detach());

    private static Tensor Targets(long vocabulary)
    {
        var targets = arange(Rows, ScalarType.Int64).mul(7).remainder(vocabulary);
        targets[3] = -100;
        targets[^1] = -100;
        return targets;
    }
}
