using Crosshead.Kernels.CausalAttention;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.CausalAttention;

public sealed class FusedCausalAttentionTests
{
    public FusedCausalAttentionTests() => CpuKernels.Require();

    [Theory]
    [InlineData(ScalarType.Float32, 37, 37, 4, 2, 2, 8, 8)]
    [InlineData(ScalarType.Float32, 64, 64, 4, 4, 4, 32, 32)]
    [InlineData(ScalarType.Float32, 100, 100, 6, 2, 1, 20, 40)] // two key heads a value head, values twice as wide
    [InlineData(ScalarType.Float32, 9, 50, 2, 1, 1, 33, 17)] // queries after a cached beginning
    [InlineData(ScalarType.Float32, 1, 5, 2, 2, 2, 64, 64)]
    [InlineData(ScalarType.Float32, 130, 130, 2, 1, 1, 128, 128)]
    [InlineData(ScalarType.BFloat16, 70, 70, 4, 2, 2, 32, 32)]
    [InlineData(ScalarType.BFloat16, 33, 40, 4, 2, 1, 20, 40)]
    public void Output_and_gradients_are_those_of_the_plain_operators(ScalarType type, int queries, int keys,
        int queryHeads, int keyHeads, int valueHeads, int width, int valueWidth)
    {
        using var scope = NewDisposeScope();
        var query = KernelCheck.Random(1, type, 3, queries, queryHeads, width);
        var key = KernelCheck.Random(2, type, 3, keys, keyHeads, width);
        var value = KernelCheck.Random(3, type, 3, keys, valueHeads, valueWidth);
        // with more threads there is too little for each
        Assert.True(FusedCausalAttention.Supports(query, key, value) || get_num_threads() > 3);
        KernelCheck.SameOn(CPU, t => [FusedCausalAttention.Apply(t[0], t[1], t[2])],
            t => [Plain(t[0], t[1], t[2], 1 / Math.Sqrt(width))], KernelCheck.Tolerance(type), query, key, value);
    }

    [Fact]
    public void Scores_far_apart_stay_exact()
    {
        using var scope = NewDisposeScope();
        var query = KernelCheck.Random(1, ScalarType.Float32, 2, 40, 2, 16) * 100;
        var key = KernelCheck.Random(2, ScalarType.Float32, 2, 40, 2, 16);
        var value = KernelCheck.Random(3, ScalarType.Float32, 2, 40, 2, 16);
        KernelCheck.SameOn(CPU, t => [FusedCausalAttention.Apply(t[0], t[1], t[2], 0.5)],
            t => [Plain(t[0], t[1], t[2], 0.5)], 1e-4, query, key, value);
    }

    [Fact]
    public void No_query_sees_the_future()
    {
        using var scope = NewDisposeScope();
        var inputs = Enumerable.Range(1, 3)
            .Select(seed => KernelCheck.Random(seed, ScalarType.Float32, 2, 40, 2, 16)).ToArray();
        var before = FusedCausalAttention.Apply(inputs[0], inputs[1], inputs[2]);
        foreach (var tensor in inputs) tensor.narrow(1, 21, 19).fill_(float.NaN);
        var after = FusedCausalAttention.Apply(inputs[0], inputs[1], inputs[2]);
        Assert.True(after.narrow(1, 0, 16).equal(before.narrow(1, 0, 16)).all().item<bool>());
    }

    [Fact]
    public void What_it_cannot_do_is_refused()
    {
        using var scope = NewDisposeScope();
        var four = zeros(8, 5, 4, 8);
        Assert.True(FusedCausalAttention.Supports(four, four, four));
        Assert.False(FusedCausalAttention.Supports(four, zeros(8, 5, 3, 8), four)); // 4 heads, 3 groups
        // fewer keys than queries
        Assert.False(FusedCausalAttention.Supports(four, zeros(8, 4, 4, 8), zeros(8, 4, 4, 8)));
        Assert.False(FusedCausalAttention.Supports(four, four, four.to_type(ScalarType.BFloat16)));
        var wide = four.to_type(ScalarType.Float64);
        Assert.False(FusedCausalAttention.Supports(wide, wide, wide));
    }

    [Fact]
    public void No_tensor_is_left() => KernelCheck.NothingLeft(() =>
    {
        var query = KernelCheck.Random(1, ScalarType.Float32, 2, 20, 2, 16).requires_grad_();
        FusedCausalAttention.Apply(query, query, query).sum().backward();
    });

    private static Tensor Plain(Tensor query, Tensor key, Tensor value, double scale)
    {
        var (heads, queries, keys) = (query.shape[2], query.shape[1], key.shape[1]);
        key = key.repeat_interleave(heads / key.shape[2], 2);
        value = value.repeat_interleave(heads / value.shape[2], 2);
        var scores = einsum("bnhd,bthd->bhnt", query, key) * scale;
        var future = ones(queries, keys, ScalarType.Bool).triu(keys - queries + 1);
        return einsum("bhnt,bthd->bnhd", scores.masked_fill(future, double.NegativeInfinity).softmax(-1), value);
    }
}
