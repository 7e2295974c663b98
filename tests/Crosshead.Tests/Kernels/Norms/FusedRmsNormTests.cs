using Crosshead.Kernels.Norms;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Norms;

public sealed class FusedRmsNormTests
{
    public FusedRmsNormTests() => CpuKernels.Require();

    private const double Epsilon = 1e-5;

    [Theory]
    [InlineData(ScalarType.Float32, 8, 1)]
    [InlineData(ScalarType.Float32, 33, 1)]
    [InlineData(ScalarType.Float32, 256, 1)]
    [InlineData(ScalarType.Float32, 20, 6)]
    [InlineData(ScalarType.Float32, 32, 6)]
    [InlineData(ScalarType.BFloat16, 8, 1)]
    [InlineData(ScalarType.BFloat16, 33, 6)]
    [InlineData(ScalarType.BFloat16, 8192, 1)]
    public void Norm_and_its_gradients_are_those_of_the_plain_operators(ScalarType type, long width, long heads)
    {
        using var scope = NewDisposeScope();
        var input = KernelCheck.Random(1, type, 3, 37, 6, width);
        var weight = KernelCheck.Random(2, ScalarType.Float32, heads == 1 ? [width] : [heads, width]);
        Assert.True(FusedRmsNorm.Supports(input, weight));
        KernelCheck.Same(t => [FusedRmsNorm.Apply(t[0], t[1], Epsilon)], t => [Plain(t[0], t[1])],
            KernelCheck.Tolerance(type), input, weight);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_inverse_alone_is_that_of_the_plain_operators(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var input = KernelCheck.Random(1, type, 3, 5, 6, 33).transpose(1, 2); // rows in another order than memory's
        var plain = input.to(ScalarType.Float64).square().mean([3]).add(Epsilon).rsqrt();
        var inverse = FusedRmsNorm.Inverse(input, KernelCheck.Random(2, ScalarType.Float32, 33), Epsilon);
        Assert.Equal(plain.shape, inverse.shape);
        Assert.True(TensorLeaks.RelativeError(inverse.to(ScalarType.Float64), plain) < 1e-6);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 20)]
    [InlineData(ScalarType.Float32, 256)]
    [InlineData(ScalarType.BFloat16, 33)]
    public void Addition_and_norm_are_those_of_the_plain_operators(ScalarType type, long width)
    {
        using var scope = NewDisposeScope();
        var residual = KernelCheck.Random(1, type, 5, 31, width);
        var delta = KernelCheck.Random(2, type, 5, 31, width);
        var weight = KernelCheck.Random(3, type, width);
        Assert.True(FusedAddRmsNorm.Supports(residual, delta, weight));
        KernelCheck.Same(
            t => { var (sum, normed) = FusedAddRmsNorm.Apply(t[0], t[1], t[2], Epsilon); return [sum, normed]; },
            t => { var sum = t[0] + t[1]; return [sum, Plain(sum, t[2])]; },
            KernelCheck.Tolerance(type), residual, delta, weight);
    }

    [Fact]
    public void A_sum_that_nothing_normed_depends_on_passes_its_gradient_through()
    {
        using var scope = NewDisposeScope();
        var residual = KernelCheck.Random(1, ScalarType.Float32, 4, 16).requires_grad_();
        var delta = KernelCheck.Random(2, ScalarType.Float32, 4, 16).requires_grad_();
        var (sum, _) = FusedAddRmsNorm.Apply(residual, delta, ones(16), Epsilon);
        sum.sum().backward();
        KernelCheck.Close(ones([4, 16], ScalarType.Float64), residual.grad!, 0, "residual");
        KernelCheck.Close(ones([4, 16], ScalarType.Float64), delta.grad!, 0, "delta");
    }

    [Fact]
    public void Inputs_with_gaps_are_taken()
    {
        using var scope = NewDisposeScope();
        var input = KernelCheck.Random(1, ScalarType.Float32, 4, 48, 7);
        var weight = KernelCheck.Random(2, ScalarType.Float32, 48);
        KernelCheck.Same(t => [FusedRmsNorm.Apply(t[0].transpose(1, 2), t[1], Epsilon)],
            t => [Plain(t[0].transpose(1, 2), t[1])], 1e-5, input, weight);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 33)]
    [InlineData(ScalarType.BFloat16, 64)]
    public void Heads_within_a_joint_product_are_taken_where_they_lie(ScalarType type, int width)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        foreach (var device in KernelCheck.Devices)
        {
            var weight = KernelCheck.Random(2, ScalarType.Float32, width).to(device);
            var joint = KernelCheck.Random(1, type, 5, 1, 9 * width).to(device);
            var heads = joint.narrow(2, 2 * width, 6 * width).view(5, 1, 6, width);
            Assert.False(heads.is_contiguous());
            var plain = Plain(heads.to(ScalarType.Float64), weight.to(ScalarType.Float64));
            KernelCheck.Close(plain.cpu(), FusedRmsNorm.Apply(heads, weight, Epsilon).cpu(),
                KernelCheck.Tolerance(type), $"norm on {device}");
            var inverse = heads.to(ScalarType.Float64).square().mean([3]).add(Epsilon).rsqrt();
            KernelCheck.Close(inverse.cpu(), FusedRmsNorm.Inverse(heads, weight, Epsilon).cpu(), 1e-5,
                $"inverse on {device}");
        }
    }

    [Fact]
    public void The_same_step_twice_gives_the_same_bits()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (WeightGradient(), WeightGradient());
        Assert.True(first.equal(second).all().item<bool>());

        static Tensor WeightGradient()
        {
            var weight = KernelCheck.Random(2, ScalarType.Float32, 64).requires_grad_();
            FusedRmsNorm.Apply(KernelCheck.Random(1, ScalarType.Float32, 3000, 64), weight, Epsilon).sin()
                .sum().backward();
            return weight.grad!;
        }
    }

    [Fact]
    public void What_it_cannot_do_is_refused()
    {
        using var scope = NewDisposeScope();
        Assert.False(FusedRmsNorm.Supports(zeros([2, 8], ScalarType.Float64), zeros(8)));
        Assert.False(FusedRmsNorm.Supports(zeros(2, 8), zeros(7)));
        Assert.False(FusedRmsNorm.Supports(zeros(2, 8), zeros(3, 8)));
        Assert.False(FusedRmsNorm.Supports(zeros(2, 8), zeros([8], ScalarType.BFloat16)));
        Assert.False(FusedAddRmsNorm.Supports(zeros(2, 8), zeros(8), zeros(8)));
    }

    [Fact]
    public void No_tensor_is_left() => KernelCheck.NothingLeft(() =>
    {
        var input = KernelCheck.Random(1, ScalarType.BFloat16, 5, 32).requires_grad_();
        var weight = ones(32, requires_grad: true);
        var (sum, normed) = FusedAddRmsNorm.Apply(input, input, weight, Epsilon);
        (FusedRmsNorm.Apply(normed, weight, Epsilon) + sum).sum().backward();
    });

    private static Tensor Plain(Tensor input, Tensor weight) =>
        input * (input.pow(2).mean([-1], keepdim: true) + Epsilon).rsqrt() * weight;
}
