using System.Runtime.InteropServices;
using Crosshead.Kernels.Common;
using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Optimizer;

public sealed unsafe class FusedAdamWTests
{
    public FusedAdamWTests() => CpuKernels.Require();

    private static readonly long[][] Shapes = [[7], [3, 33], [300, 500]];

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Steps_are_those_of_libtorch(ScalarType gradientType)
    {
        using var scope = NewDisposeScope();
        var (ours, theirs) = (State(), State());
        var copies = Shapes.Select(shape => zeros(shape, ScalarType.BFloat16)).ToArray();
        var steps = Shapes.Select(_ => zeros([], ScalarType.Float32)).ToArray();
        for (var step = 1; step <= 5; step++)
        {
            var gradients = Shapes.Select((shape, i) => KernelCheck.Random(10 * step + i, gradientType, shape))
                .ToArray();
            var scaled = gradients.Select(g => g.to_type(ScalarType.Float32) * 0.3).ToArray();
            Assert.True(FusedAdamW.Supports(ours[0][0], gradients[0]));
            FusedAdamW.Step(ours[0], gradients, ours[1], ours[2],
                new AdamWStep(step, 0.01, 0.9, 0.95, 1e-8, 0.1, 0.3), copies);
            foreach (var number in steps) number.add_(1);
            Aten.FusedAdamW(theirs[0], scaled, theirs[1], theirs[2], steps, 0.01, 0.9, 0.95, 0.1, 1e-8);
        }
        for (var i = 0; i < 3; i++)
            for (var j = 0; j < Shapes.Length; j++)
                KernelCheck.Close(theirs[i][j].to_type(ScalarType.Float64), ours[i][j], 1e-6, $"{i} of tensor {j}");
        for (var j = 0; j < Shapes.Length; j++)
            Assert.True(copies[j].equal(ours[0][j].to_type(ScalarType.BFloat16)).all().item<bool>());

        static Tensor[][] State() =>
        [
            [.. Shapes.Select((shape, i) => KernelCheck.Random(i, ScalarType.Float32, shape))],
            [.. Shapes.Select(shape => zeros(shape))],
            [.. Shapes.Select(shape => zeros(shape))],
        ];
    }

    [Fact]
    public void What_it_cannot_do_is_refused()
    {
        using var scope = NewDisposeScope();
        Assert.False(FusedAdamW.Supports(zeros(4, 4), zeros(4, 5)));
        Assert.False(FusedAdamW.Supports(zeros(4, 4).t(), zeros(4, 4).t()));
        Assert.False(FusedAdamW.Supports(zeros([4], ScalarType.BFloat16), zeros(4)));
    }

    [Fact]
    public void The_norm_is_exact_and_does_not_depend_on_the_number_of_threads()
    {
        using var scope = NewDisposeScope();
        Tensor[] gradients = [KernelCheck.Random(1, ScalarType.Float32, 300, 1001),
            KernelCheck.Random(2, ScalarType.BFloat16, 5), zeros(0), KernelCheck.Random(3, ScalarType.Float32, 1)];
        var expected = gradients.Sum(g => g.to_type(ScalarType.Float64).pow(2).sum().item<double>());
        var norm = GradientNorm.Squared(gradients);
        Assert.Equal(expected, norm, expected * 1e-13);

        // Inside a parallel loop libtorch gives no further threads.
        var nested = new double[4];
        fixed (double* address = nested)
        {
            var context = new Nested { Gradients = GCHandle.Alloc(gradients), Norms = address };
            CpuParallel.For(4, 1, ref context, &NormEach);
            context.Gradients.Free();
        }
        Assert.Equal([norm, norm, norm, norm], nested);
    }

    [Fact]
    public void A_gradient_that_is_not_a_number_shows_in_the_norm()
    {
        using var scope = NewDisposeScope();
        var gradient = zeros(100);
        gradient[99] = float.NaN;
        Assert.True(double.IsNaN(GradientNorm.Squared([gradient])));
    }

    private static void NormEach(Nested* context, long begin, long end)
    {
        for (var i = begin; i < end; i++)
            context->Norms[i] = GradientNorm.Squared((Tensor[])context->Gradients.Target!);
    }

    private struct Nested
    {
        public GCHandle Gradients;
        public double* Norms;
    }
}
