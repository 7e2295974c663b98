using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime;

public sealed class OperatorTests
{
    [Fact]
    public void Rms_norm_equals_its_definition_and_passes_gradients()
    {
        using var scope = NewDisposeScope();
        var x = randn([3, 5, 8], ScalarType.Float64).requires_grad_(true);
        var w = randn([8], ScalarType.Float64);
        var expected = x / (x.pow(2).mean([-1L], keepdim: true) + 1e-5).sqrt() * w;
        var actual = Aten.RmsNorm(x, w, 1e-5);
        Assert.True(TensorLeaks.RelativeError(actual, expected) < 1e-12);
        actual.sum().backward();
        Assert.NotNull(x.grad);
    }

    [Fact]
    public void A_refused_operator_throws_with_libtorchs_own_words()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<LibTorchException>(() => Aten.RmsNorm(ones(3, 8), ones(7), 1e-5));
        Assert.Contains("weight of shape [7]", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(4, 4)]
    [InlineData(6, 1)]
    public void Attention_with_grouped_heads_and_scale_equals_its_definition(int heads, int groups)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (randn([2, heads, 5, 8], ScalarType.Float64), randn([2, groups, 5, 8], ScalarType.Float64),
            randn([2, groups, 5, 8], ScalarType.Float64));
        var (kr, vr) = (k.repeat_interleave(heads / groups, 1), v.repeat_interleave(heads / groups, 1));
        var scores = (q.matmul(kr.transpose(2, 3)) * 0.3)
            .masked_fill(ones(5, 5, ScalarType.Bool).triu(1), double.NegativeInfinity);
        var expected = scores.softmax(-1).matmul(vr);
        Assert.True(TensorLeaks.RelativeError(Aten.ScaledDotProductAttention(q, k, v, null, causal: true, 0.3),
            expected) < 1e-12);
    }

    [Fact]
    public void Fused_AdamW_equals_the_plain_rule()
    {
        using var scope = NewDisposeScope();
        var (p, g, m, v, step) = (randn(7), randn(7), rand(7), rand(7), full(1, 3f));
        var (lr, b1, b2, wd, eps) = (0.01, 0.9, 0.95, 0.1, 1e-8);
        var m1 = (m * b1) + (g * (1 - b1));
        var v1 = (v * b2) + (g * g * (1 - b2));
        var expected = (p * (1 - (lr * wd)))
            - (lr * (m1 / (1 - Math.Pow(b1, 3))) / ((v1 / (1 - Math.Pow(b2, 3))).sqrt() + eps));
        Aten.FusedAdamW([p], [g], [m], [v], [step], lr, b1, b2, wd, eps);
        Assert.True(TensorLeaks.RelativeError(p, expected) < 1e-5);
        Assert.True(TensorLeaks.RelativeError(m, m1) < 1e-6);
    }

    [Fact]
    public void Calls_leave_no_tensors_behind() => TensorLeaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Aten.RmsNorm(ones(3, 8), ones(8), 1e-5);
        Aten.Embedding(ones(4, 2), tensor(new long[] { 1, 3 }));
    });
}
