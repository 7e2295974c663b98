using Crosshead.Kernels.StepAttention;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>One launch against the two that it replaces, which have references of their own.</summary>
public sealed class TokenAttentionTests
{
    private const int Capacity = 1024, PageTokens = 64;
    private const double Epsilon = 1e-6;

    [Theory]
    [InlineData(64, 4, 8, 1, false, false)]   // Llama 3.2 1B
    [InlineData(128, 8, 2, 3, true, false)]   // half of Qwen3 30B A3B
    [InlineData(128, 8, 4, 1, true, true)]
    [InlineData(64, 1, 3, 2, false, false)]
    [InlineData(64, 7, 2, 1, false, true)]
    public void Equals_heads_and_attention(int width, int queries, int rows, int batch, bool normed, bool paged)
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(3);
        Tensor Random(params long[] shape) => randn(shape, device: CUDA).to(ScalarType.BFloat16);
        var heads = rows * queries;
        var (queryNorm, keyNorm) = (normed ? Random(width) : null, normed ? Random(width) : null);
        var table = paged ? arange(Capacity / PageTokens - 1, -1, -1, ScalarType.Int32, CUDA).unsqueeze(0) : null;
        long[] shape = paged ? [Capacity / PageTokens, rows, PageTokens, width] : [batch, rows, Capacity, width];
        foreach (var at in new[] { 0, 1, 15, 16, 127, 128, 513, Capacity - batch })
        {
            var joint = Random(batch, 1, (heads + (2 * rows)) * width);
            var (cos, sin) = (randn([batch, 1, width / 2], device: CUDA), randn([batch, 1, width / 2], device: CUDA));
            var positions = arange(at, at + batch, ScalarType.Int64, CUDA); // sequences of unequal lengths
            var ends = (positions + 1).to(ScalarType.Int32);
            var (keys, values) = (Random(shape), Random(shape));
            var (ownKeys, ownValues) = (keys.clone(), values.clone());
            var scale = 1 / Math.Sqrt(width);
            var sinks = Random(heads) * 3;

            Assert.True(TokenAttention.Supports(joint, cos, keys, values, heads, Capacity, paged, queryNorm,
                keyNorm));
            var query = StepHeads.Apply(joint, cos, sin, queryNorm, keyNorm, Epsilon, null, positions, keys, values,
                null, table).transpose(1, 2);
            foreach (var form in new ScoreForm[] { scale, new(scale, Cap: 1.5), new(scale, 30, sinks) })
            {
                var actual = TokenAttention.Apply(joint, cos, sin, queryNorm, keyNorm, Epsilon, positions, ownKeys,
                    ownValues, table, form);
                var expected = (table is null ? DecodeAttention.Apply(query, keys, values, form, ends: ends)
                    : DecodeAttention.ApplyPaged(query, keys, values, table, form, ends: ends)).transpose(1, 2);
                Assert.True(keys.equal(ownKeys).all().item<bool>());
                Assert.True(values.equal(ownValues).all().item<bool>());
                var error = ((actual - expected).abs().max() / expected.abs().max()).to(ScalarType.Float32)
                    .item<float>();
                Assert.True(error < 1e-2, $"relative error {error:e2} at position {at}, {form}");
            }
        }
    }

    [Fact]
    public void Many_sequences_and_long_caches_have_other_kernels()
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var scope = NewDisposeScope();
        var (x, cos) = (zeros([1, 1, 64], ScalarType.BFloat16, CUDA), zeros([1, 32], ScalarType.Float32, CUDA));
        var cache = zeros([1, 8, 64, 64], ScalarType.BFloat16, CUDA);
        bool Taken(Tensor x, long heads, long capacity, bool paged) =>
            TokenAttention.Supports(x, cos, cache, cache, heads, capacity, paged, null, null);
        Assert.True(Taken(x, 32, 4096, false));
        Assert.False(Taken(x, 32, 4097, false));
        Assert.False(Taken(x, 128, 4096, false));
        Assert.False(Taken(x.expand(2, 1, 64), 32, 4096, true));
        Assert.False(Taken(x.expand(64, 1, 64), 32, 4096, false));
    }
}
