using Crosshead.Kernels.Gating;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Gating;

public sealed class GatedLinearTests
{
    public GatedLinearTests() => CpuKernels.Require();

    [Theory]
    [InlineData(ScalarType.Float32, 33, true)]
    [InlineData(ScalarType.Float32, 64, false)]
    [InlineData(ScalarType.BFloat16, 40, true)]
    [InlineData(ScalarType.BFloat16, 64, false)]
    public void Output_and_gradients_are_those_of_the_plain_operators(ScalarType type, long width, bool bias)
    {
        using var scope = NewDisposeScope();
        var (gateUp, weight, offset) = (KernelCheck.Random(1, type, 3, 17, 2 * width), KernelCheck.Random(2, type, 24,
            width), KernelCheck.Random(3, type, 24));
        KernelCheck.Same(t => [GatedLinear.Apply(t[0], t[1], bias ? t[2] : null)], t =>
        {
            var halves = t[0].chunk(2, -1);
            return [nn.functional.linear(nn.functional.silu(halves[0]) * halves[1], t[1], bias ? t[2] : null)];
        }, 2 * KernelCheck.Tolerance(type), bias ? [gateUp, weight, offset] : [gateUp, weight]);
    }

    [Fact]
    public void The_way_back_makes_the_gated_activations_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        foreach (var device in KernelCheck.Devices)
        {
            var gateUp = KernelCheck.Random(1, ScalarType.BFloat16, 5, 2 * 72).to(device);
            var gradient = KernelCheck.Random(2, ScalarType.BFloat16, 5, 72).to(device);
            Assert.True(FusedSwiGlu.Forward(gateUp).equal(FusedSwiGlu.BackwardWithOutput(gateUp, gradient).Output)
                .all().item<bool>());
        }
    }

    [Fact]
    public void A_frozen_weight_gets_no_gradient()
    {
        using var scope = NewDisposeScope();
        var (gateUp, weight) = (KernelCheck.Random(1, ScalarType.Float32, 5, 32).requires_grad_(),
            KernelCheck.Random(2, ScalarType.Float32, 4, 16));
        GatedLinear.Apply(gateUp, weight, null).sum().backward();
        Assert.NotNull(gateUp.grad);
        Assert.Null(weight.grad);
    }

    [Fact]
    public void No_tensor_is_left() => KernelCheck.NothingLeft(() => GatedLinear.Apply(
        KernelCheck.Random(1, ScalarType.Float32, 5, 32).requires_grad_(),
        KernelCheck.Random(2, ScalarType.Float32, 4, 16).requires_grad_(), null).sum().backward());
}
