using Crosshead.Attention;
using Crosshead.Kernels.StepAttention;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>
/// The kernel of one decoding step against the plain formula in float64, and models that use it against themselves
/// without.
/// </summary>
public sealed class DecodeAttentionTests
{
    private const double Scale = 0.09; // about 1/√128

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
        { 384, 384, 1, 32, 700 },
        { 512, 512, 1, 48, 200 },  // shared memory has room for small tiles alone
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
        var (query, key, value) = (Random(batch, rows * queries, 1, keyWidth),
            Random(batch, rows, tokens + 5, keyWidth).narrow(2, 0, tokens), Random(batch, rows, tokens, valueWidth));
        var begins = tensor(new[] { 0, tokens / 2, tokens - 1 }, ScalarType.Int32, CUDA);
        foreach (var (first, factors)
            in new[] { (null, null), (begins, null), ((Tensor?)null, Factors(batch, rows, tokens)) })
        {
            Assert.True(DecodeAttention.Supports(query, key, value, factors));
            AssertNear(Reference(query, key, value, factors, first),
                DecodeAttention.Apply(query, key, value, Scale, factors, first));
        }
    }

    [Theory]
    [InlineData(64, 64, 8, 8, 700, 2)]   // gpt-oss
    [InlineData(256, 256, 4, 2, 300, 3)] // Gemma 2
    [InlineData(256, 256, 1, 32, 4097, 1)]
    [InlineData(64, 384, 1, 16, 77, 3)]
    [InlineData(512, 512, 1, 64, 65, 1)]
    [InlineData(128, 128, 4, 8, 4000, 1)] // several clusters and a join
    [InlineData(128, 128, 2, 4, 300, 150)]
    public void Capped_scores_and_sinks_equal_softmax_in_float64(int keyWidth, int valueWidth, int rows, int queries,
        int tokens, int batch)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(8);
        var (query, key, value) = (Random(batch, rows * queries, 1, keyWidth),
            Random(batch, rows, tokens, keyWidth), Random(batch, rows, tokens, valueWidth));
        var begins = arange(batch, ScalarType.Int32, CUDA) * (tokens / (2 * batch));
        foreach (var form in Forms(rows * queries))
            foreach (var (first, factors)
                in new[] { (null, null), (begins, null), ((Tensor?)null, Factors(batch, rows, tokens)) })
                AssertNear(Reference(query, key, value, factors, first, form: form),
                    DecodeAttention.Apply(query, key, value, form, factors, first));
    }

    [Fact]
    public void Ends_on_the_device_equal_a_shorter_cache_of_the_same_launch()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(4);
        var (query, key, value) = (Random(2, 32, 1, 256), Random(2, 1, 5000, 256), Random(2, 1, 5000, 256));
        using var end = tensor(new[] { 0 }, ScalarType.Int32, CUDA);
        foreach (var length in Enumerable.Range(1, 70).Concat([127, 128, 129, 1000, 4095, 5000]))
        {
            using var step = NewDisposeScope();
            end.fill_(length);
            AssertNear(Reference(query, key.narrow(2, 0, length), value.narrow(2, 0, length)),
                DecodeAttention.Apply(query, key, value, Scale, ends: end));
            AssertNear(Reference(query, key.narrow(2, 0, length), value.narrow(2, 0, length)),
                DecodeAttention.Apply(query, key.narrow(2, 0, length), value.narrow(2, 0, length), Scale));
        }
    }

    [Theory]
    [InlineData(1, 4000)]  // many spans and a join
    [InlineData(3, 1000)]  // a cluster a sequence
    [InlineData(64, 1100)] // few spans a sequence
    [InlineData(150, 300)] // more sequences than multiprocessors
    public void Windows_and_ends_of_unequal_sequences(int batch, int capacity)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(5);
        var (query, key, value) = (Random(batch, 16, 1, 128), Random(batch, 1, capacity, 128),
            Random(batch, 1, capacity, 256));
        var last = Enumerable.Range(0, batch).Select(b => 1 + ((b * 389) + 977) % capacity).ToArray();
        var (begins, ends) = (tensor(last.Select((end, b) => end * (b % 4) / 5).ToArray(), ScalarType.Int32, CUDA),
            tensor(last, ScalarType.Int32, CUDA));
        AssertNear(Reference(query, key, value, null, begins, ends),
            DecodeAttention.Apply(query, key, value, Scale, null, begins, ends));
    }

    [Theory]
    [InlineData(1, 200)]
    [InlineData(1, 5000)]
    public void Nothing_seen_gives_zeros(int batch, int capacity)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var rows = Random(batch, 1, capacity, 128);
        var output = DecodeAttention.Apply(Random(batch, 8, 1, 128), rows, rows, Scale,
            ends: tensor(new[] { 0 }, ScalarType.Int32, CUDA));
        Assert.Equal(0, output.to(ScalarType.Float32).abs().sum().item<float>());
        output = DecodeAttention.Apply(Random(batch, 8, 1, 128), rows, rows, Forms(8)[1],
            ends: tensor(new[] { 0 }, ScalarType.Int32, CUDA));
        Assert.Equal(0, output.to(ScalarType.Float32).abs().sum().item<float>());
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(6, 1)]
    public void Value_rows_may_be_shared_by_key_rows(int keyRows, int valueRows)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(6);
        var (query, key, value) = (Random(2, keyRows * 3, 1, 64), Random(2, keyRows, 777, 64),
            Random(2, valueRows, 777, 128));
        Assert.True(DecodeAttention.Supports(query, key, value, null));
        AssertNear(Reference(query, key, value), DecodeAttention.Apply(query, key, value, Scale));
    }

    [Theory]
    [InlineData(64, 3000, false)]
    [InlineData(128, 500, false)]
    [InlineData(256, 3000, true)]
    public void Pages_equal_a_cache_in_order(int pageTokens, int tokens, bool scaled)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(7);
        const int batch = 3;
        var count = (tokens + pageTokens - 1) / pageTokens;
        var table = randperm((batch * count) + 5, ScalarType.Int64, CUDA).narrow(0, 0, batch * count)
            .view(batch, count);
        var (query, key, value) = (Random(batch, 12, 1, 128), Random((batch * count) + 5, 2, pageTokens, 128),
            Random((batch * count) + 5, 1, pageTokens, 256));
        var factors = scaled ? Factors((batch * count) + 5, 4, pageTokens) : null;
        Tensor InOrder(Tensor pages) => pages[table].transpose(1, 2).flatten(2, 3); // [B,g,T,w] or, of factors, [B,G,T]
        var (begins, ends) = (tensor(new[] { 0, tokens / 3, 70 }, ScalarType.Int32, CUDA),
            tensor(new[] { tokens, tokens / 2, 71 }, ScalarType.Int32, CUDA));
        var actual = DecodeAttention.ApplyPaged(query, key, value, table.to(ScalarType.Int32), Scale,
            factors, begins, ends);
        AssertNear(Reference(query, InOrder(key), InOrder(value), factors is null ? null : InOrder(factors),
            begins, ends), actual);
    }

    [Fact]
    public void Pages_of_odd_sizes_are_refused()
    {
        using var scope = NewDisposeScope();
        var (query, rows, table) = (zeros(1, 1, 1, 64), zeros(2, 1, 40, 64), zeros([1, 2], ScalarType.Int32));
        Assert.Contains("multiple of 64", Assert.Throws<ArgumentException>(
            () => DecodeAttention.ApplyPaged(query, rows, rows, table, Scale)).Message);
    }

    [Theory]
    [InlineData(AttentionVariant.Gqa, null, null)]
    [InlineData(AttentionVariant.Gqa, null, 40)]
    [InlineData(AttentionVariant.Mea, 2, null)]
    [InlineData(AttentionVariant.Differential, null, null)]
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
            Attention = new()
            {
                Variant = variant,
                Heads = 8,
                HeadDim = 64,
                KeyValueHeads = 4,
                KeyComponents = components,
                ValueComponents = components,
                SlidingWindow = window,
            },
        }, ScalarType.BFloat16, CUDA);
        model.Initialize(1);
        model.Freeze(ScalarType.BFloat16);
        // Two sequences of unequal length; logits of a step with the cache against those without.
        var tokens = randint(0, 64, [2, 100], ScalarType.Int64, CUDA);
        int[] lengths = [99, 69];
        using var state = model.CreateDecodeState(2, 101);
        for (var b = 0; b < 2; b++)
            model.Hidden(tokens.narrow(0, b, 1).narrow(1, 0, lengths[b]), model.Views.Of(0, lengths[b]),
                state.LayersOf(b, 1));
        var at = tensor(new[] { 99L, 69 }, device: CUDA);
        var step = model.Head(model.Hidden(tokens.gather(1, at.unsqueeze(1)), model.Views.At(at, 101), state.Layers))
            .to(ScalarType.Float64);
        var expected = cat([.. lengths.Select(
            (n, b) => model.LastLogits(tokens.narrow(0, b, 1).narrow(1, 0, n + 1)).to(ScalarType.Float64))]);
        var error = ((step - expected).norm() / expected.norm()).item<double>();
        Assert.True(error < 0.02, $"relative error {error:e2}");
    }

    [Theory]
    [InlineData(false, 128, 128, 8, 0, 16, 64, 2)]
    [InlineData(false, 256, 256, 32, 4, 32, 64, 3)]
    [InlineData(false, 512, 512, 64, 0, 64, 32, 2)]
    [InlineData(false, 64, 64, 1, 1, 16, 64, 2)]
    [InlineData(true, 128, 128, 8, 0, 16, 64, 2)] // no warpgroups: two blocks fit
    [InlineData(true, 128, 128, 8, 1, 8, 64, 6)]
    [InlineData(true, 256, 256, 32, 0, 32, 64, 3)]
    [InlineData(true, 256, 256, 32, 4, 32, 64, 3)]
    [InlineData(true, 256, 256, 32, 8, 32, 64, 2)]
    [InlineData(true, 256, 256, 33, 0, 64, 64, 2)]
    [InlineData(true, 512, 512, 48, 0, 48, 32, 2)] // no warpgroups: too little of the cache would be under way
    public void The_plan_fits_in_shared_memory(bool warpgroups, int keyWidth, int valueWidth, int queries, int factors,
        int padded, int tokens, int stages)
    {
        const int sharedBytes = 232448; // a block of an H100 or H200
        var plan = DecodeAttentionPlan.For(keyWidth, valueWidth, queries, factors, sharedBytes, warpgroups);
        Assert.NotNull(plan);
        Assert.Equal((padded, tokens, stages), (plan.Queries, plan.Tokens, plan.Stages));
        Assert.InRange(plan.SharedBytes, 1, sharedBytes);
    }

    internal static Tensor Factors(long batch, long groups, long tokens) =>
        (rand(batch, groups, tokens + (tokens % 2), device: CUDA) + 0.5).to(ScalarType.BFloat16).narrow(2, 0, tokens);

    // Caps that bend most scores, and sinks that take much of the weight.
    internal static ScoreForm[] Forms(long heads) =>
    [
        new(Scale, Cap: 1.5), new(Scale, Sinks: Random(heads) * 3 + 4), new(Scale, 30, Random(heads) * 3 + 4),
    ];

    internal static Tensor Random(params long[] shape) => randn(shape, device: CUDA).to(ScalarType.BFloat16);

    internal static void AssertNear(Tensor expected, Tensor actual)
    {
        var error = ((actual.to(ScalarType.Float64) - expected).norm() / expected.norm()).item<double>();
        // Rounding weights and output to bfloat16 costs 1.1e-3 to 2.3e-3; a NaN is no error below any bound.
        Assert.True(error < 2.5e-3, $"relative error {error:e2}");
    }

    internal static Tensor Reference(Tensor query, Tensor key, Tensor value, Tensor? factors = null,
        Tensor? begins = null, Tensor? ends = null, ScoreForm? form = null)
    {
        var heads = query.shape[1];
        Tensor Wide(Tensor x) => x.to(ScalarType.Float64).repeat_interleave(heads / x.shape[1], 1);
        var scores = query.to(ScalarType.Float64).matmul(Wide(key).transpose(2, 3)).mul(Scale);  // [B,h,1,T]
        if (factors is not null) scores = scores * Wide(factors).unsqueeze(2);
        if (form?.Cap is { } cap) scores = (scores / cap).tanh() * cap;
        var places = arange(key.shape[2], device: CUDA);
        if (begins is not null) scores = scores.masked_fill(places < begins.view(-1, 1, 1, 1), double.NegativeInfinity);
        if (ends is not null) scores = scores.masked_fill(places >= ends.view(-1, 1, 1, 1), double.NegativeInfinity);
        if (form?.Sinks is not { } sinks) return scores.softmax(-1).matmul(Wide(value));
        var sink = sinks.to(ScalarType.Float64).view(1, -1, 1, 1).expand(scores.shape[0], -1, 1, 1);
        return cat([scores, sink], -1).softmax(-1).narrow(-1, 0, key.shape[2]).matmul(Wide(value));
    }
}
