using Crosshead.Kernels.Rotary;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Rotary;

public sealed class FusedRotaryTests
{
    public FusedRotaryTests() => CpuKernels.Require();

    [Theory]
    [InlineData(ScalarType.Float32, 8, 4, 2, 2, false)]
    [InlineData(ScalarType.Float32, 20, 3, 1, 1, true)]
    [InlineData(ScalarType.Float32, 32, 8, 4, 4, false)]
    [InlineData(ScalarType.Float32, 66, 1, 1, 2, true)]
    [InlineData(ScalarType.BFloat16, 32, 8, 2, 4, false)]
    [InlineData(ScalarType.BFloat16, 20, 2, 1, 1, true)]
    public void Split_rotation_and_gradient_are_those_of_the_plain_operators(ScalarType type, int width, int queryHeads,
        int keyHeads, int valueHeads, bool batched)
    {
        using var scope = NewDisposeScope();
        var heads = queryHeads + keyHeads + valueHeads;
        var projected = KernelCheck.Random(1, type, 3, 17, heads * width);
        var angles = KernelCheck.Random(2, ScalarType.Float32, batched ? [3, 17, width / 2] : [17, width / 2]);
        var (cosine, sine) = (angles.cos(), angles.sin());
        Assert.True(FusedRotary.Supports(projected, cosine, sine, queryHeads, keyHeads, valueHeads));
        KernelCheck.Same(
            t =>
            {
                var (query, key, value) = FusedRotary.Split(t[0], cosine.to(t[0].device), sine.to(t[0].device),
                    queryHeads, keyHeads, valueHeads);
                return [query, key, value];
            },
            t =>
            {
                var parts = t[0].view(3, 17, heads, width).split([queryHeads, keyHeads, valueHeads], 2);
                return [Rotate(parts[0], cosine, sine), Rotate(parts[1], cosine, sine), parts[2]];
            },
            KernelCheck.Tolerance(type), projected);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 64, 12, 4, true)]
    [InlineData(ScalarType.Float32, 16, 3, 1, false)]
    [InlineData(ScalarType.Float32, 128, 4, 2, true)]
    [InlineData(ScalarType.BFloat16, 64, 12, 4, true)]
    [InlineData(ScalarType.BFloat16, 32, 2, 2, false)]
    public void Heads_are_normed_in_the_same_pass_on_a_device(ScalarType type, int width, int queryHeads, int keyHeads,
        bool keysToo)
    {
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
        using var scope = NewDisposeScope();
        const double epsilon = 1e-3;
        var heads = queryHeads + (2 * keyHeads);
        var projected = KernelCheck.Random(1, type, 3, 170, heads * width);
        var angles = KernelCheck.Random(2, ScalarType.Float32, 170, width / 2);
        var (cosine, sine) = (angles.cos(), angles.sin());
        var factors = new[] { 3, 4 }.Select(seed => KernelCheck.Random(seed, ScalarType.Float32, width)).ToArray();
        HeadNorms Norms(Tensor[] t) => new(t[1], keysToo ? t[2] : null, epsilon);
        var onDevice = new[] { projected, factors[0], factors[1] }.Select(t => t.to(CUDA)).ToArray();
        Assert.True(FusedRotary.Supports(onDevice[0], cosine.to(CUDA), sine.to(CUDA), queryHeads, keyHeads, keyHeads,
            Norms(onDevice)));
        Tensor Normed(Tensor x, Tensor w) => x * (x.square().mean([-1], keepdim: true) + epsilon).rsqrt() * w;
        KernelCheck.SameOn(CUDA,
            t =>
            {
                var (query, key, value) = FusedRotary.Split(t[0], cosine.to(CUDA), sine.to(CUDA), queryHeads, keyHeads,
                    keyHeads, Norms(t));
                return keysToo ? [query, key, value] : [query, key, value * t[2].to(type)];
            },
            t =>
            {
                var parts = t[0].view(3, 170, heads, width).split([queryHeads, keyHeads, keyHeads], 2);
                return [Rotate(Normed(parts[0], t[1]), cosine, sine),
                    Rotate(keysToo ? Normed(parts[1], t[2]) : parts[1], cosine, sine),
                    keysToo ? parts[2] : parts[2] * t[2]];
            },
            KernelCheck.Tolerance(type), projected, factors[0], factors[1]);
    }

    [Fact]
    public void Values_alone_may_carry_a_gradient()
    {
        using var scope = NewDisposeScope();
        var projected = KernelCheck.Random(1, ScalarType.Float32, 2, 5, 3 * 8).requires_grad_();
        var (_, _, value) = FusedRotary.Split(projected, ones(5, 4), zeros(5, 4), 1, 1, 1);
        value.sum().backward();
        KernelCheck.Close(cat([zeros(2, 5, 16), ones(2, 5, 8)], -1).to_type(ScalarType.Float64),
            projected.grad!, 0, "gradient");
    }

    [Fact]
    public void What_it_cannot_do_is_refused()
    {
        using var scope = NewDisposeScope();
        var table = zeros(5, 4);
        Assert.False(FusedRotary.Supports(zeros([2, 5, 24], ScalarType.Float64), table, table, 1, 1, 1));
        Assert.False(FusedRotary.Supports(zeros(2, 5, 25), table, table, 1, 1, 1));
        Assert.False(FusedRotary.Supports(zeros(2, 6, 24), table, table, 1, 1, 1));
        Assert.False(FusedRotary.Supports(zeros(2, 5, 24), table.to_type(ScalarType.Float64), table, 1, 1, 1));
        Assert.False(FusedRotary.Supports(zeros(2, 5, 24), table, table, 1, 1, 1, new HeadNorms(ones(8), null, 1e-6)));
    }

    [Fact]
    public void No_tensor_is_left() => KernelCheck.NothingLeft(() =>
    {
        var projected = KernelCheck.Random(1, ScalarType.Float32, 2, 5, 3 * 8).requires_grad_();
        var (query, key, value) = FusedRotary.Split(projected, ones(5, 4), zeros(5, 4), 1, 1, 1);
        (query * key * value).sum().backward();
    });

    // x·cos + rotate_half(x)·sin
    private static Tensor Rotate(Tensor heads, Tensor cosine, Tensor sine)
    {
        var table = new[] { cosine, sine }.Select(t => cat([t, t], -1).unsqueeze(-2).to_type(heads.dtype)).ToArray();
        var halves = heads.chunk(2, -1);
        return heads * table[0] + cat([-halves[1], halves[0]], -1) * table[1];
    }
}
