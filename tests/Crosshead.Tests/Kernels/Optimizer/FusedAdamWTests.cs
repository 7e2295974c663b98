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
    public void Narrow_moments_are_one_of_two_neighbours_and_right_on_average()
    {
        using var scope = NewDisposeScope();
        const int count = 1 << 18;
        var numbers = new AdamWStep(3, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.3);
        var gradient = full(count, 0.7f);
        Tensor[] narrow = [full(count, -0.123f).bfloat16(), full(count, 0.02f).bfloat16()];
        Tensor[] wide = [.. narrow.Select(m => m.to_type(ScalarType.Float32))];
        var (value, other, copy) = (ones(count), ones(count), zeros(count, ScalarType.BFloat16));
        FusedAdamW.Step([value], [gradient], [wide[0]], [wide[1]], numbers);
        FusedAdamW.Step([other], [gradient], [narrow[0]], [narrow[1]], numbers, [copy],
            [RandomRounding.Of("a", 3, 0)]);
        Assert.True(value.equal(other).all().item<bool>()); // the step itself takes what is not rounded yet
        Assert.True(copy.equal(other.bfloat16()).all().item<bool>());
        for (var i = 0; i < 2; i++)
        {
            var (exact, rounded) = (wide[i][0].item<float>(), narrow[i].to_type(ScalarType.Float64));
            var bits = BitConverter.SingleToUInt32Bits(exact) & 0xffff0000u;
            var (near, far) = ((double)BitConverter.UInt32BitsToSingle(bits),
                (double)BitConverter.UInt32BitsToSingle(bits + 0x10000u));
            var ups = rounded.eq(far).sum().item<long>();
            Assert.Equal(count, ups + rounded.eq(near).sum().item<long>());
            var share = (exact - near) / (far - near);
            Assert.InRange(share, 0.05, 0.95);
            Assert.Equal(share, (double)ups / count, 5 * Math.Sqrt(share * (1 - share) / count));
        }
        // The two moments of an element are rounded by different bits.
        var both = narrow[0].eq(narrow[0].max()).logical_and(narrow[1].eq(narrow[1].max())).sum().item<long>();
        var (first, second) = (narrow[0].eq(narrow[0].max()).sum().item<long>(),
            narrow[1].eq(narrow[1].max()).sum().item<long>());
        Assert.Equal((double)first * second / count, both, 0.02 * count);
    }

    [Fact]
    public void Parts_of_a_parameter_are_rounded_like_the_whole()
    {
        using var scope = NewDisposeScope();
        const int block = TensorBlock.Length, count = 3 * block + 77;
        var (whole, parts) = (Narrow(), Narrow());
        Step(whole, 0, count);
        Step(parts, 0, block);
        Step(parts, block, count - block);
        for (var i = 0; i < whole.Length; i++) Assert.True(whole[i].equal(parts[i]).all().item<bool>());
        // Another parameter, or step, is rounded by other bits.
        var other = Narrow();
        Step(other, 0, count, "b");
        Assert.False(whole[1].equal(other[1]).all().item<bool>());

        static Tensor[] Narrow() => [ones(count), zeros(count, ScalarType.BFloat16), zeros(count, ScalarType.BFloat16)];
        static void Step(Tensor[] state, long start, long length, string name = "a")
        {
            Tensor Part(Tensor t) => t.narrow(0, start, length);
            FusedAdamW.Step([Part(state[0])], [Part(KernelCheck.Random(1, ScalarType.Float32, count))],
                [Part(state[1])], [Part(state[2])], new AdamWStep(1, 0.01, 0.9, 0.95, 1e-8, 0.1), default,
                [RandomRounding.Of(name, 1, start)]);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, 200_003)]
    [InlineData(ScalarType.BFloat16, 200_003)]
    [InlineData(ScalarType.Float32, 1 << 18)]
    [InlineData(ScalarType.BFloat16, 1 << 18)]
    public void A_GPU_steps_with_the_bits_of_the_CPU(ScalarType moments, int count)
    {
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
        using var scope = NewDisposeScope();
        var (here, there) = (State(CPU), State(CUDA));
        for (var step = 1; step <= 5; step++)
        {
            var numbers = new AdamWStep(step, 0.01, 0.9, 0.95, 1e-8, 0.1);
            var gradient = KernelCheck.Random(step, ScalarType.Float32, count);
            var divisor = tensor(1.7f, device: CUDA);
            var rounding = RandomRounding.Of("a", step, 3 * TensorBlock.Length);
            FusedAdamW.Step([here[0]], [gradient], [here[1]], [here[2]], numbers with { GradientScale = 1 / 1.7f },
                [here[3]], [rounding]);
            Assert.True(CudaAdamW.Supports(there[0], gradient.cuda()));
            CudaAdamW.Step(there[0], gradient.cuda(), there[1], there[2], numbers, divisor, rounding, there[3]);
        }
        for (var i = 0; i < here.Length; i++) Assert.True(here[i].equal(there[i].cpu()).all().item<bool>(), $"{i}");

        Tensor[] State(Device device) =>
        [
            KernelCheck.Random(0, ScalarType.Float32, count).to(device), zeros(count, moments, device),
            zeros(count, moments, device), zeros(count, ScalarType.BFloat16, device),
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
