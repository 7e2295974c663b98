using Crosshead.Kernels.HeadLosses;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.HeadLosses;

public sealed class FusedLinearCrossEntropyTests
{
    public FusedLinearCrossEntropyTests() => CpuKernels.Require();

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 50, 20, 33)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 130, 32, 40000)] // more than one chunk
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 70, 64, 500)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, 70, 64, 500)]
    public void Loss_and_gradients_are_those_of_the_plain_operators(ScalarType type, ScalarType weightType, long rows,
        long width, long vocabulary)
    {
        using var scope = NewDisposeScope();
        var hidden = KernelCheck.Random(1, type, rows, width);
        var weight = KernelCheck.Random(2, weightType, vocabulary, width) * 0.3;
        var targets = Targets(rows, vocabulary);
        Assert.True(FusedLinearCrossEntropy.Supports(hidden, weight, targets));
        // bfloat16 logits carry an error of 1/256 each: gradients of a few rows show it, the loss hardly
        KernelCheck.Same(
            t => [FusedLinearCrossEntropy.Apply(t[0], t[1], targets.to(t[0].device))],
            t =>
                [nn.functional.cross_entropy(t[0].matmul(t[1].to_type(type).to_type(ScalarType.Float64).t()), targets)],
            type == ScalarType.Float32 ? 1e-5 : 0.03, hidden, weight);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 33)]
    [InlineData(ScalarType.Float32, 40000)]
    [InlineData(ScalarType.BFloat16, 500)]
    public void Capped_logits_give_the_loss_and_gradients_of_the_plain_operators(ScalarType type, long vocabulary)
    {
        using var scope = NewDisposeScope();
        const double Cap = 1.5;
        var hidden = KernelCheck.Random(1, type, 60, 32);
        var weight = KernelCheck.Random(2, type, vocabulary, 32) * 0.3;
        var targets = Targets(60, vocabulary);
        KernelCheck.Same(
            t => [FusedLinearCrossEntropy.Apply(t[0], t[1], targets.to(t[0].device), cap: Cap)],
            t => [nn.functional.cross_entropy(t[0].matmul(t[1].t()).div(Cap).tanh().mul(Cap), targets)],
            type == ScalarType.Float32 ? 1e-5 : 0.03, hidden, weight);
    }

    [Fact]
    public void The_gradient_scales_with_the_one_that_comes_in()
    {
        using var scope = NewDisposeScope();
        var hidden = KernelCheck.Random(1, ScalarType.Float32, 9, 8).requires_grad_();
        var weight = KernelCheck.Random(2, ScalarType.Float32, 30, 8).requires_grad_();
        var targets = Targets(9, 30);
        FusedLinearCrossEntropy.Apply(hidden, weight, targets).backward();
        var (once, onceOfWeight) = (hidden.grad!.clone(), weight.grad!.clone());
        hidden.grad!.zero_();
        weight.grad!.zero_();
        (FusedLinearCrossEntropy.Apply(hidden, weight, targets) * 4).backward();
        KernelCheck.Close((once * 4).to_type(ScalarType.Float64), hidden.grad!, 1e-6, "hidden");
        KernelCheck.Close((onceOfWeight * 4).to_type(ScalarType.Float64), weight.grad!, 1e-6, "weight");
    }

    [Fact]
    public void A_backward_pass_can_be_repeated()
    {
        using var scope = NewDisposeScope();
        var hidden = KernelCheck.Random(1, ScalarType.Float32, 9, 8).requires_grad_();
        var loss = FusedLinearCrossEntropy.Apply(hidden, KernelCheck.Random(2, ScalarType.Float32, 30, 8),
            Targets(9, 30));
        loss.backward(retain_graph: true);
        var once = hidden.grad!.clone();
        loss.backward();
        KernelCheck.Close((once * 2).to_type(ScalarType.Float64), hidden.grad!, 1e-6, "hidden");
    }

    [Fact]
    public void Without_gradients_the_loss_is_the_same()
    {
        using var scope = NewDisposeScope();
        var hidden = KernelCheck.Random(1, ScalarType.Float32, 9, 8);
        var weight = KernelCheck.Random(2, ScalarType.Float32, 30, 8).requires_grad_();
        var with = FusedLinearCrossEntropy.Apply(hidden, weight, Targets(9, 30));
        using var none = no_grad();
        var without = FusedLinearCrossEntropy.Apply(hidden, weight, Targets(9, 30));
        Assert.Equal(with.item<float>(), without.item<float>());
        Assert.False(without.requires_grad);
    }

    [Fact]
    public void Nothing_counted_gives_no_loss_and_no_gradient()
    {
        using var scope = NewDisposeScope();
        var hidden = KernelCheck.Random(1, ScalarType.Float32, 3, 8).requires_grad_();
        var loss = FusedLinearCrossEntropy.Apply(hidden, KernelCheck.Random(2, ScalarType.Float32, 30, 8),
            full([3], -100, ScalarType.Int64));
        loss.backward();
        Assert.Equal(0, loss.item<float>());
        KernelCheck.Close(zeros([3, 8], ScalarType.Float64), hidden.grad!, 0, "hidden");
    }

    [Theory]
    [InlineData(30)]
    [InlineData(-1)]
    public void A_target_outside_the_vocabulary_is_named(long target)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<CrossheadException>(
            () => FusedLinearCrossEntropy.Apply(zeros(1, 8), zeros(30, 8), full([1], target, ScalarType.Int64)));
        Assert.StartsWith($"a target is {target}, but the vocabulary has 30 entries", error.Message);
    }

    [Fact]
    public void An_infinite_logit_shows_in_the_loss()
    {
        using var scope = NewDisposeScope();
        var hidden = full([2, 8], float.PositiveInfinity);
        Assert.False(float.IsFinite(
            FusedLinearCrossEntropy.Apply(hidden, ones(30, 8), zeros([2], ScalarType.Int64)).item<float>()));
    }

    [Fact]
    public void No_tensor_is_left() => KernelCheck.NothingLeft(() =>
    {
        var weight = KernelCheck.Random(2, ScalarType.Float32, 30, 8).requires_grad_();
        (FusedLinearCrossEntropy.Apply(KernelCheck.Random(1, ScalarType.BFloat16, 9, 8).requires_grad_(), weight,
            Targets(9, 30)) * 2).backward();
    });

    private static Tensor Targets(long rows, long vocabulary)
    {
        var targets = arange(rows, ScalarType.Int64) * 7919 % vocabulary;
        targets[rows / 2] = FusedLinearCrossEntropy.IgnoreIndex;
        return targets;
    }
}
