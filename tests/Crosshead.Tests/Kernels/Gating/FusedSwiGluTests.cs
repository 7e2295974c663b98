using Crosshead.Kernels.Gating;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Gating;

public sealed class FusedSwiGluTests
{
    public FusedSwiGluTests() => CpuKernels.Require();

    [Theory]
    [InlineData(ScalarType.Float32, 8)]
    [InlineData(ScalarType.Float32, 33)]
    [InlineData(ScalarType.Float32, 688)]
    [InlineData(ScalarType.BFloat16, 20)]
    [InlineData(ScalarType.BFloat16, 688)]
    public void Output_and_gradient_are_those_of_the_plain_operators(ScalarType type, long width)
    {
        using var scope = NewDisposeScope();
        var gateUp = KernelCheck.Random(1, type, 3, 37, 2 * width) * 4;
        Assert.True(FusedSwiGlu.Supports(gateUp));
        KernelCheck.Same(t => [FusedSwiGlu.Apply(t[0])], t => [Plain(t[0])], KernelCheck.Tolerance(type), gateUp);
    }

    [Fact]
    public void Extreme_gates_stay_finite()
    {
        using var scope = NewDisposeScope();
        var gateUp = cat([linspace(-1e4, 1e4, 64), ones(64)]).requires_grad_();
        var output = FusedSwiGlu.Apply(gateUp);
        output.sum().backward();
        KernelCheck.Close(Plain(gateUp.to_type(ScalarType.Float64)), output, 1e-6, "output");
        Assert.True(gateUp.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Not_a_number_comes_out_again()
    {
        using var scope = NewDisposeScope();
        Assert.True(FusedSwiGlu.Apply(full([2, 64], float.NaN)).isnan().all().item<bool>());
        Assert.True(
            FusedSwiGlu.Apply(full([2, 64], float.NaN).to_type(ScalarType.BFloat16)).isnan().all().item<bool>());
    }

    [Fact]
    public void What_it_cannot_do_is_refused()
    {
        using var scope = NewDisposeScope();
        Assert.False(FusedSwiGlu.Supports(zeros([2, 8], ScalarType.Float64)));
        Assert.False(FusedSwiGlu.Supports(zeros(2, 7)));
    }

    [Fact]
    public void No_tensor_is_left() =>
        KernelCheck.NothingLeft(
        () => FusedSwiGlu.Apply(KernelCheck.Random(1, ScalarType.Float32, 5, 32).requires_grad_()).sum().backward());

    private static Tensor Plain(Tensor gateUp)
    {
        var halves = gateUp.chunk(2, -1);
        return nn.functional.silu(halves[0]) * halves[1];
    }
}
