using Crosshead.Attention.Caches;
using Crosshead.Decoding.Cpu;
using Crosshead.Kernels.StepAttention;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>Caches of 8 bits a number on a CUDA device.</summary>
public sealed class ScaledCacheTests
{
    private const double Scale = 0.09;

    private static readonly bool s_cuda = cuda.is_available();
    private static readonly Device s_device = new("cuda:0");

    public static TheoryData<string, int, int, int, int, bool> Shapes => new()
    {
        { "int8", 64, 64, 2, 4, true },
        { "int8", 64, 64, 2, 4, false },
        { "fp8", 64, 64, 1, 8, true },
        { "int8", 128, 128, 2, 2, true },
        { "fp8", 128, 64, 1, 3, false },
        { "int8", 64, 128, 2, 5, false },
        { "int8", 64, 64, 1, 16, true },
        { "fp8", 128, 128, 2, 8, true },
        { "int8", 256, 256, 1, 32, true }, // half the components of heads
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Tokens_are_kept_as_on_the_processor_and_attended(string name, int keyWidth, int valueWidth, int rows,
        int queries, bool paged)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(3);
        const int batch = 2, tokens = 150, pages = 9;
        var type = CacheOptions.Parse(name);
        var layout = new CacheLayout(new CachedRows(rows, keyWidth), new CachedRows(rows, valueWidth));
        using var cache = new KeyValueCache(layout, paged ? pages : batch, paged ? 64 : 201, ScalarType.BFloat16,
            s_device, new CacheFormat(type));
        var table = paged ? tensor(new[] { 5, 1, 7, 8, 0, 2 }, [batch, 3], ScalarType.Int32).to(s_device) : null;
        var (key, value) = (Rows(batch, rows, tokens, keyWidth), Rows(batch, rows, tokens, valueWidth));

        // A prompt of each sequence, then the last token of all by their positions.
        for (var b = 0; b < batch; b++)
        {
            var own = paged ? cache : cache.Of(b, 1);
            own.Append(key.narrow(0, b, 1).narrow(2, 0, tokens - 1), value.narrow(0, b, 1).narrow(2, 0, tokens - 1),
                new CachePlace(0, Table: table?.narrow(0, b, 1)));
        }
        var positions = full([batch], tokens - 1, ScalarType.Int64, s_device);
        cache.Append(key.narrow(2, tokens - 1, 1), value.narrow(2, tokens - 1, 1),
            new CachePlace(0, positions, tokens, table));

        var (keys, values, _) = cache.Whole;
        var scales = cache.Scales!;
        var kept = (scales.OfKeys(keys, table, tokens), scales.OfValues(values, table, tokens));
        Assert.Equal(Encoded(key, type), kept.Item1.cpu().to(ScalarType.Float32).data<float>().ToArray());
        Assert.Equal(Encoded(value, type), kept.Item2.cpu().to(ScalarType.Float32).data<float>().ToArray());

        var query = randn([batch, rows * queries, 1, keyWidth], ScalarType.BFloat16, s_device);
        Assert.True(DecodeAttention.Supports(query, keys, values, null, scales));
        var sinks = randn([rows * queries], ScalarType.BFloat16, s_device) * 3;
        foreach (var form in new ScoreForm[] { Scale, new(Scale, Cap: 1.5), new(Scale, 30, sinks) })
            foreach (var end in new[] { tokens, 65, 1 })
            {
                var ends = full([batch], end, ScalarType.Int32, s_device);
                var actual = paged
                    ? DecodeAttention.ApplyPaged(query, keys, values, table!, form, ends: ends, scales: scales)
                    : DecodeAttention.Apply(query, keys, values, form, ends: ends, scales: scales);
                var expected = Attended(query, kept.Item1.narrow(2, 0, end), kept.Item2.narrow(2, 0, end), form);
                var error = (actual.cpu().to(ScalarType.Float64) - expected).norm().item<double>()
                    / expected.norm().item<double>();
                Assert.True(error < 0.005,
                    $"{name} [{keyWidth}, {valueWidth}] of {end}, {form}: relative error {error:G3}");
            }
    }

    // Rows of up to 128 numbers become bfloat16 before anything else, so their sums have the bits of a bfloat16 cache.
    [Theory]
    [InlineData("int8", 64, 64, 2, 4, false, null, null, true)]
    [InlineData("fp8", 64, 64, 1, 8, false, 100, 2, true)]
    [InlineData("int8", 128, 128, 2, 4, false, null, null, true)]
    [InlineData("fp8", 128, 64, 1, 3, false, null, 1, true)]
    [InlineData("int8", 64, 128, 2, 5, false, 300, null, true)]
    [InlineData("fp8", 64, 64, 4, 1, false, null, null, true)]
    [InlineData("int8", 64, 64, 1, 32, false, null, null, true)]
    [InlineData("int8", 256, 256, 1, 32, false, null, null, false)] // components
    [InlineData("fp8", 256, 384, 1, 32, true, 300, 2, false)]
    [InlineData("int8", 512, 512, 1, 64, false, null, null, false)]
    [InlineData("int8", 128, 128, 2, 4, true, null, null, false)]
    public void Rows_that_read_pieces_together_get_what_each_reads_alone(string name, int keyWidth, int valueWidth,
        int rows, int queries, bool factored, int? window, int? formed, bool exact)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(9);
        // of each sequence: tokens before, and tokens of the pass
        (int Before, int Count)[] sequences = [(2000, 37), (5, 1), (0, 16), (700, 1), (63, 2), (1471, 1), (130, 15)];
        const int page = 64, pagesOfSequence = 32, pool = (7 * pagesOfSequence) + 3;
        var layout = new CacheLayout(new CachedRows(rows, keyWidth), new CachedRows(rows, valueWidth));
        using var cache = new KeyValueCache(layout, pool, page, ScalarType.BFloat16, s_device,
            new CacheFormat(CacheOptions.Parse(name)));
        var table = randperm(pool, ScalarType.Int64, s_device).narrow(0, 0, sequences.Length * pagesOfSequence)
            .view(sequences.Length, pagesOfSequence);
        for (var s = 0; s < sequences.Length; s++)
        {
            var tokens = sequences[s].Before + sequences[s].Count;
            cache.Append(Rows(1, rows, tokens, keyWidth), Rows(1, rows, tokens, valueWidth),
                new CachePlace(0, Table: table[s].unsqueeze(0).to(ScalarType.Int32)));
        }
        var (keys, values, _) = cache.Whole;
        var scales = cache.Scales!;
        // the same cache as numbers
        var each = arange(pool, ScalarType.Int32, s_device).unsqueeze(1);
        var (wideKeys, wideValues) = (scales.OfKeys(keys, each, page), scales.OfValues(values, each, page));
        var factors = factored ? DecodeAttentionTests.Factors(pool, 2 * rows, page) : null;

        var of = sequences.SelectMany((s, i) => Enumerable.Repeat((long)i, s.Count)).ToArray();
        var own = table[tensor(of, device: s_device)].to(ScalarType.Int32);
        var last = sequences.SelectMany(s => Enumerable.Range(s.Before + 1, s.Count)).ToArray();
        var ends = tensor(last, ScalarType.Int32, s_device);
        var begins = window is { } width
            ? tensor(last.Select(end => Math.Max(0, end - width)).ToArray(), ScalarType.Int32, s_device) : null;
        List<Piece> pieces = [];
        foreach (var (before, count) in sequences)
            for (var n = 0; n < count; n += PieceList.MostTokens)
            {
                var tokens = Math.Min(PieceList.MostTokens, count - n);
                pieces.Add(new Piece(pieces.Sum(p => p.Tokens), tokens, before + n + tokens));
            }
        var heads = rows * queries;
        var query = randn([of.Length, heads, 1, keyWidth], ScalarType.BFloat16, s_device);
        var form = formed is { } one ? DecodeAttentionTests.Forms(heads)[one] : Scale;
        var tokensOfBlock = DecodeAttention.PieceTokens(keys, values, heads, factors, scales);
        Assert.True(tokensOfBlock > 0);
        using var scratch = new PieceScratch(s_device);
        foreach (var splits in new[] { 1, 33, 264 })
        {
            PieceWork Work(int blockTokens)
            {
                var items = new int[PieceList.Most(pieces.Count, splits) * PieceList.ItemLength];
                PieceList.Write(pieces, blockTokens, splits, items);
                return new PieceWork(tensor(items, [items.Length / PieceList.ItemLength, PieceList.ItemLength],
                    ScalarType.Int32, s_device), PieceList.MostParts(splits), scratch);
            }
            Tensor Apply() => DecodeAttention.ApplyPaged(query, keys, values, own, form, factors, begins, ends,
                Work(tokensOfBlock), scales);
            var actual = Apply();
            var expected = DecodeAttention.ApplyPaged(query, wideKeys, wideValues, own, form, factors, begins, ends,
                Work(DecodeAttention.PieceTokens(wideKeys, wideValues, heads, factors)));
            if (exact) Assert.True(actual.equal(expected).all().item<bool>());
            else
            {
                var right = expected.to(ScalarType.Float64);
                var error = ((actual.to(ScalarType.Float64) - right).norm() / right.norm()).item<double>();
                Assert.True(error < 0.008, $"relative error {error:G3}");
            }
            Assert.True(actual.equal(Apply()).all().item<bool>()); // the counters are as before
        }
    }

    // Half precision, in which products are computed, has neither the numbers nor the scales of these.
    [Theory]
    [InlineData("int8")]
    [InlineData("fp8")]
    public void Large_queries_small_keys_and_values_of_very_different_sizes_are_attended(string name)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(4);
        const int batch = 2, tokens = 500, queries = 4, width = 64;
        var layout = new CacheLayout(new CachedRows(1, width), new CachedRows(1, width));
        using var cache = new KeyValueCache(layout, batch, 512, ScalarType.BFloat16, s_device,
            new CacheFormat(CacheOptions.Parse(name)));
        var key = Rows(batch, 1, tokens, width) * 1e-6;
        var sizes = (rand([batch, 1, tokens, 1], ScalarType.Float32, s_device) * 14 - 7).exp2().pow(3) * 1e5;
        sizes = sizes.masked_fill(rand_like(sizes) < 0.1, 0);
        var value = (Rows(batch, 1, tokens, width) * sizes).to(ScalarType.BFloat16);
        cache.Append(key, value, new CachePlace(0));
        var (keys, values, _) = cache.Whole;
        var scales = cache.Scales!;
        var query = randn([batch, queries, 1, width], ScalarType.BFloat16, s_device) * 1e6;
        var ends = tensor(new[] { tokens, 77 }, ScalarType.Int32).to(s_device);
        var actual = DecodeAttention.Apply(query, keys, values, Scale, ends: ends, scales: scales);
        foreach (var (b, end) in new[] { (0, tokens), (1, 77) })
        {
            Tensor Own(Tensor all) => all.narrow(0, b, 1);
            var expected = Attended(Own(query), Own(scales.OfKeys(keys, null, end)),
                Own(scales.OfValues(values, null, end)));
            var error = (Own(actual).cpu().to(ScalarType.Float64) - expected).norm().item<double>()
                / expected.norm().item<double>();
            Assert.True(error < 0.005, $"{name}: relative error {error:G3}");
        }
    }

    [Theory]
    [InlineData("int8", float.NaN)]
    [InlineData("fp8", float.NaN)]
    [InlineData("int8", float.NegativeInfinity)]
    [InlineData("fp8", float.PositiveInfinity)]
    public void A_row_with_a_number_that_is_not_finite_is_seen_to_have_one(string name, float number)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var layout = new CacheLayout(new CachedRows(1, 64), new CachedRows(1, 64));
        using var cache = new KeyValueCache(layout, 1, 64, ScalarType.BFloat16, s_device,
            new CacheFormat(CacheOptions.Parse(name)));
        var rows = Rows(1, 1, 3, 64);
        var broken = rows.clone();
        using Scalar value = number; // named, so that it is not collected while native code reads it
        broken.narrow(2, 1, 1).narrow(3, 37, 1).fill_(value);
        cache.Append(rows, broken, new CachePlace(0));
        var (keys, values, _) = cache.Whole;
        var scales = cache.Scales!;
        Assert.True(scales.OfKeys(keys, null, 3).isfinite().all().item<bool>());
        Assert.Equal(new[] { true, false, true },
            scales.OfValues(values, null, 3).isfinite().all(3).flatten().cpu().data<bool>().ToArray());
        // One query sees the first token alone, the other all three.
        var query = Rows(2, 1, 1, 64);
        var ends = tensor(new[] { 1, 3 }, ScalarType.Int32).to(s_device);
        var attended = DecodeAttention.Apply(query, keys.expand(2, -1, -1, -1), values.expand(2, -1, -1, -1), Scale,
            ends: ends, scales: scales with
            {
                Keys = scales.Keys.expand(2, -1, -1),
                Values = scales.Values.expand(2, -1, -1),
            });
        Assert.Equal(new[] { true, false }, attended.isfinite().all(3).flatten().cpu().data<bool>().ToArray());
    }

    [Theory]
    [InlineData(64, 64, 4, 0, 16, 64)]
    [InlineData(128, 128, 8, 0, 8, 64)]
    [InlineData(64, 128, 5, 0, 12, 64)]
    [InlineData(128, 128, 4, 2, 8, 32)]   // with factors
    [InlineData(256, 256, 32, 0, 2, 64)]  // components
    [InlineData(512, 512, 64, 0, 1, 64)]
    public void A_plan_for_pieces_fits_in_shared_memory(int keyWidth, int valueWidth, int queries, int factors,
        int tokens, int padded)
    {
        const int sharedBytes = 232448, fixedBytes = 1024; // a block of an H100 or H200
        var plan = DecodeAttentionPlan.ForScaled(keyWidth, valueWidth, queries, factors, RowsOfPass.Pieces, kind: 1,
            sharedBytes);
        Assert.NotNull(plan);
        Assert.Equal((tokens, padded), (plan.PieceTokens, plan.Queries));
        Assert.InRange(plan.SharedBytes, 1, sharedBytes - fixedBytes);
        Assert.Contains("SCALED=1", plan.Defines(paged: true));
        Assert.Null(DecodeAttentionPlan.ForScaled(keyWidth, valueWidth, queries, factors, RowsOfPass.Shares, kind: 1,
            sharedBytes));
    }

    private static Tensor Rows(params long[] shape) => randn(shape, ScalarType.BFloat16, s_device)
        * (0.1 + rand([.. shape[..^1], 1], ScalarType.BFloat16, s_device));

    // What a cache of the processor keeps, rounded to bfloat16.
    private static float[] Encoded(Tensor rows, CacheType type)
    {
        var (numbers, width) = (rows.cpu().to(ScalarType.Float32).contiguous().data<float>().ToArray(),
            (int)rows.shape[^1]);
        for (var first = 0; first < numbers.Length; first += width)
        {
            var row = numbers.AsSpan(first, width);
            var largest = 0f;
            foreach (var x in row) largest = MathF.Max(largest, MathF.Abs(x));
            var scale = PanelBFloat16.ToSingle(PanelBFloat16.Above(
                largest / (type == CacheType.Int8 ? PanelInt8.Largest : PanelFp8.Largest)));
            foreach (ref var x in row)
            {
                var number = x * (1 / scale);
                x = scale * (type == CacheType.Int8 ? PanelInt8.ToSingle(PanelInt8.From(number))
                    : PanelFp8.ToSingle(PanelFp8.From(number)));
                x = PanelBFloat16.ToSingle(PanelBFloat16.From(x));
            }
        }
        return numbers;
    }

    private static Tensor Attended(Tensor query, Tensor key, Tensor value, ScoreForm? form = null)
    {
        var (q, k, v) = (query.cpu().to(ScalarType.Float64), key.cpu().to(ScalarType.Float64),
            value.cpu().to(ScalarType.Float64));
        var queries = q.shape[1] / k.shape[1];
        (k, v) = (k.repeat_interleave(queries, 1), v.repeat_interleave(queries, 1));
        var scores = q.matmul(k.transpose(2, 3)) * Scale;
        if (form?.Cap is { } cap) scores = (scores / cap).tanh() * cap;
        if (form?.Sinks is not { } sinks) return scores.softmax(-1).matmul(v);
        var sink = sinks.cpu().to(ScalarType.Float64).view(1, -1, 1, 1).expand(scores.shape[0], -1, 1, 1);
        return cat([scores, sink], -1).softmax(-1).narrow(-1, 0, k.shape[2]).matmul(v);
    }
}
