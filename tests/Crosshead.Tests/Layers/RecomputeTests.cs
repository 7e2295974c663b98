using Crosshead.Kernels.Common;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Layers;

public sealed class RecomputeTests
{
    [Fact]
    public void A_layer_that_fails_when_computed_again_ends_in_its_own_error()
    {
        using var scope = NewDisposeScope();
        var calls = 0;
        var x = ones([2, 3], requires_grad: true);
        var y = Recompute.Apply(x,
            input => calls++ == 0 ? input * 2 : throw new InvalidOperationException("no memory"));
        y.sum().backward();
        Assert.Equal("no memory", Assert.Throws<InvalidOperationException>(GradientNode.RethrowFailure).Message);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Layers_within_layers_are_computed_again()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1.0, 2, 3 }, requires_grad: true);
        Recompute.Apply(x, outer => Recompute.Apply(outer * outer, inner => inner * outer)).sum().backward();
        Assert.Equal([3.0, 12, 27], x.grad!.data<double>().ToArray());
    }
}
