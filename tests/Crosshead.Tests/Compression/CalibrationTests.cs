using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Tests.Compression.Fits;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

public sealed class CalibrationTests
{
    public static TheoryData<string> Names => SmallModels.Names;

    private static Tensor[] Moments(ILayerStatistics statistics) => statistics is HeadStatistics s
        ? [s.QuerySquares, s.KeyMoments, s.KeyScaleSquares, s.ValueMoments] : [];

    [Theory, MemberData(nameof(Names))]
    public void Statistics_are_the_sums_over_all_tokens(string name)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create(name);
        var text = SmallModels.Text();
        var hand = new HandProjections(model, text);
        using var calibration = Calibration.Run(model, text, 5);
        Assert.Equal(120, calibration.Tokens);
        var plain = new PlainDecoder(model);
        for (var layer = 0; layer < model.Options.Layers; layer++)
        {
            var statistics = (HeadStatistics)calibration[layer];
            var (queries, keys, values) = plain.Heads(layer, hand.Input(layer));                     // [T,·,d]
            Close(statistics.QuerySquares, queries.pow(2).sum([0L]));
            var flat = values.flatten(1);
            Close(statistics.ValueMoments, stack([.. flat.unbind(0).Select(v => outer(v, v))]).sum([0L]));
            for (var p = 0; p < keys.shape[2] / 2; p++)
            {
                var z = HandProjections.Complex(keys, p);                                            // [T,g]
                for (var a = 0; a < keys.shape[1]; a++)
                {
                    for (var b = 0; b < keys.shape[1]; b++)
                    {
                        var sum = (z[.., a].conj().resolve_conj() * z[.., b]).sum();
                        Assert.True((statistics.KeyMoments[p, a, b] - sum).abs()
                            .item<double>() < 1e-9 * statistics.KeyMoments.abs().max().item<double>());
                    }
                }
            }
            var factors = plain.Find(layer, "k_norm.weight") is { } gamma
                ? ((keys / gamma).pow(2).mean([2]) + model.Options.Attention.QueryKeyNormEpsilon).reciprocal().sum([0L])
                : full(4, 120.0, ScalarType.Float64);
            Close(statistics.KeyScaleSquares, factors);
        }

        static void Close(Tensor actual, Tensor expected) =>
            Assert.True(TensorLeaks.RelativeError(actual, expected) < 1e-9);
    }

    [Theory]
    [InlineData("gqa")]
    [InlineData("window, biases, query-key norm")]
    public void The_batch_size_changes_nothing(string name)
    {
        using var model = SmallModels.Create(name);
        var text = SmallModels.Text();
        using var whole = Calibration.Run(model, text, text.Count);
        foreach (var batch in new[] { 1, 5, 7, 1000 })
        {
            using var other = Calibration.Run(model, text, batch);
            Assert.Equal(whole.Tokens, other.Tokens);
            for (var layer = 0; layer < 2; layer++)
                foreach (var (expected, actual) in Moments(whole[layer]).Zip(Moments(other[layer])))
                    Assert.True(RelativeError(actual, expected) < 1e-12);
        }
    }

    [Fact]
    public void Statistics_are_float64_and_as_large_for_a_long_text_as_for_a_short_one()
    {
        using var model = SmallModels.Create("biases", type: ScalarType.Float32);
        using var brief = Calibration.Run(model, SmallModels.Text(4), 2);
        using var @long = Calibration.Run(model, SmallModels.Text(40), 2);
        for (var layer = 0; layer < 2; layer++)
        {
            Assert.Equal(Moments(brief[layer]).Select(m => m.numel()), Moments(@long[layer]).Select(m => m.numel()));
            Assert.All(Moments(@long[layer]),
                m => Assert.True(m.dtype is ScalarType.Float64 or ScalarType.ComplexFloat64));
        }
    }

    [Fact]
    public void Sums_of_float32_activations_lose_nothing_to_their_number()
    {
        using var model = SmallModels.Create("gqa", layers: 1, type: ScalarType.Float32);
        var ids = SmallModels.Ids(31);
        using var few = Calibration.Run(model, TokenWindows.Cut([.. ids, .. ids, 0], 1, 32, "the text"), 1);
        using var many = Calibration.Run(model,
            TokenWindows.Cut([.. Enumerable.Repeat(ids, 2048).SelectMany(i => i), 0], 1, 32, "the text"), 64);
        Assert.Equal(1024 * few.Tokens, many.Tokens);
        foreach (var (a, b) in Moments(few[0]).Zip(Moments(many[0])))
            Assert.True(RelativeError(b, a * 1024) < 1e-6);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public void Too_short_a_text_is_refused_with_the_tokens_that_are_needed(int windows, bool refused)
    {
        using var model = SmallModels.Create("gqa");
        var text = SmallModels.Text(windows, length: 8); // 2 · g·d = 32 tokens are the least
        if (!refused)
        {
            using var calibration = Calibration.Run(model, text, 2);
            return;
        }
        var error = Assert.Throws<CrossheadException>(() => Calibration.Run(model, text, 2));
        Assert.StartsWith("the calibration text has 24 tokens; 32 are the least", error.Message);
    }

    [Theory]
    [InlineData("gqa")]
    [InlineData("compressed, query-key norm")]
    public void Calibration_leaves_no_tensor_behind(string name)
    {
        using var model = SmallModels.Create(name);
        TensorLeaks.None(() => Calibration.Run(model, SmallModels.Text(), 5).Dispose());
        TensorLeaks.None(() => Assert.Throws<OperationCanceledException>(
            () => Calibration.Run(model, SmallModels.Text(), 5, null, new CancellationToken(true))));
    }

    [Fact]
    public void Progress_tells_the_windows_done()
    {
        using var model = SmallModels.Create("gqa");
        var told = new Reports();
        Calibration.Run(model, SmallModels.Text(), 5, told).Dispose();
        Assert.Equal([5, 10, 12], told);
    }

    [Fact]
    public void Mechanisms_without_components_are_refused()
    {
        using var model = SmallModels.Create("gqa", change: o =>
            o with { Attention = o.Attention with { Variant = Crosshead.Attention.AttentionVariant.TalkingHeads } });
        Assert.StartsWith("virtual heads do not apply to talking-heads; they do to gqa",
            Assert.Throws<CrossheadException>(() => Calibration.Run(model, SmallModels.Text(), 5)).Message);
    }

    private static double RelativeError(Tensor actual, Tensor expected)
    {
        using var scope = NewDisposeScope();
        return (actual - expected).abs().max().item<double>() / expected.abs().max().item<double>();
    }

    private sealed class Reports : List<long>, IProgress<long>
    {
        public void Report(long value) => Add(value);
    }
}
