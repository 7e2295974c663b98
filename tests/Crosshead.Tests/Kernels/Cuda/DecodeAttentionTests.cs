using Crosshead.Attention;
using Crosshead.Kernels.Cuda;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Cuda;

/// <summary>The kernel of one decoding step against the plain formula in float64, and models that use it against themselves without.</summary>
public sealed class DecodeAttentionTests
{
    private static readonly bool s_cuda = cuda.is_available();

    public static TheoryData<int, int, int, int, int> Shapes => new()
    {
        { 128, 128, 4, 8, 300 },   // whole heads
        { 256, 256, 1, 32, 4097 }, // half the components of four heads
        { 64, 384, 1, 16, 77 },
        { 512, 64, 1, 64, 130 },
        { 80, 112, 2, 5, 1 },
        { 512, 512, 1, 64, 65 },
        { 192, 256, 3, 1, 1000 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Equals_softmax_in_float64(int keyWidth, int valueWidth, int rows, int queries, int tokens)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(3);
        const int batch = 3;
        Tensor Random(params long[] shape) => randn(shape, device: CUDA).to(ScalarType.BFloat16);
        var (query, key, value) = (Random(batch, rows * queries, 1, keyWidth), Random(batch, rows, tokens + 5, keyWidth).narrow(2, 0, tokens), Random(batch, rows, tokens, valueWidth));
        var begins = tensor(new[] { 0, tokens / 2, tokens - 1 }, ScalarType.Int32, CUDA);
        foreach (var (first, factors) in new[] { (null, null), (begins, null), ((Tensor?)null, (rand(batch, rows, tokens, device: CUDA) + 0.5).to(ScalarType.BFloat16)) })
        {
            Assert.True(DecodeAttention.Supports(query, key, value, factors));
            var actual = DecodeAttention.Apply(query, key, value, 1 / Math.Sqrt(128), factors, first);
            var expected = Reference(query, key, value, 1 / Math.Sqrt(128), factors, first);
            var error = ((actual.to(ScalarType.Float64) - expected).norm() / expected.norm()).item<double>();
            // Rounding the output to bfloat16 alone costs 1.1e-3 to 1.7e-3.
            Assert.True(error < 2.5e-3, $"relative error {error:e2}");
        }
    }

    [Theory]
    [InlineData(AttentionVariant.Gqa, null, null)]
    [InlineData(AttentionVariant.Gqa, null, 40)]
    [InlineData(AttentionVariant.Mea, 2, null)]
    public void Models_decode_the_same_text_with_it(AttentionVariant variant, int? components, int? window)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = new LanguageModel(new()
        {
            VocabularySize = 64,
            HiddenSize = 256,
            Layers = 2,
            Context = 128,
            Attention = new() { Variant = variant, Heads = 8, HeadDim = 64, KeyValueHeads = 4, KeyComponents = components, ValueComponents = components, SlidingWindow = window },
        }, ScalarType.BFloat16, CUDA);
        model.Initialize(1);
        model.Freeze(ScalarType.BFloat16);
        // Two sequences of unequal length, padded on the left; logits of a step with the cache against those without.
        var tokens = randint(0, 64, [2, 100], ScalarType.Int64, CUDA);
        using var state = model.CreateDecodeState(2, 101, [0, 30]);
        model.Hidden(tokens.narrow(1, 0, 99), state);
        var step = model.LastLogits(tokens.narrow(1, 99, 1), state).to(ScalarType.Float64);
        Tensor Whole(int b, int from) => model.LastLogits(tokens.narrow(0, b, 1).narrow(1, from, 100 - from)).to(ScalarType.Float64);
        var expected = cat([Whole(0, 0), Whole(1, 30)]);
        var error = ((step - expected).norm() / expected.norm()).item<double>();
        Assert.True(error < 0.02, $"relative error {error:e2}");
    }

    [Theory]
    [InlineData(128, 128, 8, 64, 2)]
    [InlineData(256, 256, 32, 64, 3)]
    [InlineData(512, 512, 64, 32, 2)]
    [InlineData(64, 64, 1, 64, 2)]
    public void The_plan_fits_in_shared_memory(int keyWidth, int valueWidth, int queries, int tokens, int stages)
    {
        const int sharedBytes = 232448; // a block of an H100 or H200
        var plan = DecodeAttentionPlan.For(keyWidth, valueWidth, queries, sharedBytes);
        Assert.Equal((tokens, stages), (plan.Tokens, plan.Stages));
        Assert.InRange(plan.SharedBytes, 1, sharedBytes);
        Assert.Equal(0, plan.Queries % 16);
        Assert.True(plan.Queries >= queries);
    }

    private static Tensor Reference(Tensor query, Tensor key, Tensor value, double scale, Tensor? factors, Tensor? begins)
    {
        var (heads, rows) = (query.shape[1], key.shape[1]);
        Tensor Wide(Tensor x) => x.to(ScalarType.Float64).repeat_interleave(heads / x.shape[1], 1);
        var scores = query.to(ScalarType.Float64).matmul(Wide(key).transpose(2, 3)).mul(scale);            // [B,h,1,T]
        if (factors is not null) scores = scores * Wide(factors).unsqueeze(2);
        if (begins is not null) scores = scores.masked_fill(arange(key.shape[2], device: CUDA) < begins.view(-1, 1, 1, 1), double.NegativeInfinity);
        Assert.Equal(0, heads % rows);
        return scores.softmax(-1).matmul(Wide(value));
    }
}
