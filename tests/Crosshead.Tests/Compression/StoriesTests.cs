using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Model;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

/// <summary>A real trained model against the losses that an independent implementation measured.</summary>
public sealed class StoriesTests : IDisposable
{
    private const int Batch = 16, Components = 4, HeadDim = 8;
    private readonly JsonNode _expected = JsonNode.Parse(
        File.ReadAllText(SharedData.Path("fixtures", "compress-stories260K.json")))!;
    private readonly LanguageModel _model;
    private readonly Calibration _calibration;
    private readonly TokenWindows _held;

    public StoriesTests()
    {
        var folder = SharedData.Path("data", "models", "stories260K");
        var text = File.ReadAllText(SharedData.Path("data", "text", "tinystories-sample.txt"));
        var half = text.IndexOf("\n\n", text.Length / 2, StringComparison.Ordinal);
        var tokenizer = Tokenizer.Load(folder);
        TokenWindows Cut(string part) =>
            TokenWindows.Cut(tokenizer.Encode(part, addSpecialTokens: false), tokenizer.BosTokenId, 512, "the half");
        var calibrate = Cut(text[..half]);
        _held = Cut(text[half..]);
        Assert.Equal(((int)_expected["calibration_windows"]!, (int)_expected["validation_windows"]!),
            (calibrate.Count, _held.Count));
        _model = ModelDirectory.Load(folder);
        _calibration = Calibration.Run(_model, calibrate, Batch);
    }

    [Fact]
    public void Losses_are_those_that_an_independent_implementation_measured()
    {
        var whole = WindowLoss.Measure(_model, _held, Batch);
        Assert.Equal((double)_expected["base_loss"]!, whole, 1e-5);
        (string Name, LayerPlan Plan, double Tolerance)[] cases =
        [
            ("head-weight:2 head-weight:2", Svd(2, 2), 0.02), ("head-weight:3 head-weight:3", Svd(3, 3), 0.03),
            ("head-weight:4 head-weight:2", Svd(4, 2), 0.03),
            ("frequency:2 dense:2", Fine(2, 2), 0.02), ("frequency:3 dense:3", Fine(3, 3), 0.03),
            ("frequency:1 dense:3", Fine(1, 3), 0.03),
            ("frequency:4 dense:2", Fine(4, 2), 0.03), ("frequency:2 dense:4", Fine(2, 4), 0.03),
        ];
        foreach (var (name, plan, tolerance) in cases)
        {
            using var compressed = Compressor.Compress(_model,
                CompressionPlan.Uniform(5, [0, 1, 2, 3, 4], plan), _calibration);
            Near(name, (double)_expected["delta"]![name]!,
                WindowLoss.Measure(compressed, _held, Batch) - whole, tolerance);
            Assert.Equal(_model.CacheBytesPerToken * ((plan.KeyComponents ?? Components)
                + ((plan.ValueRank / HeadDim) ?? Components)), 2 * Components * compressed.CacheBytesPerToken);
        }
    }

    [Theory]
    [InlineData(CompressionMethod.Svd, "sensitivity_head_weight_2")]
    [InlineData(CompressionMethod.Fine, "sensitivity_fine_2")]
    public void Each_layer_alone_is_as_sensitive_as_measured_independently(CompressionMethod method, string name)
    {
        var whole = WindowLoss.Measure(_model, _held, Batch);
        for (var layer = 0; layer < 5; layer++)
        {
            using var compressed = Compressor.Compress(_model,
                CompressionPlan.Uniform(5, [layer], new(method, 2, 2 * HeadDim)), _calibration);
            Near($"{name}, layer {layer}", (double)_expected[name]![layer]!,
                WindowLoss.Measure(compressed, _held, Batch) - whole, 0.03);
        }
    }

    [Fact]
    public void Decoding_from_half_the_cache_is_the_compressed_model()
    {
        using var compressed = Compressor.Compress(_model,
            CompressionPlan.Uniform(5, [0, 1, 2, 3, 4], Fine(2, 2)), _calibration);
        using var ids = _held.AtMost(1).Batches(1, CPU).Single();
        using var part = ids.narrow(1, 0, 128);
        Assert.InRange(Compressor.SelfCheck(compressed, part), 0, 1e-4);
    }

    public void Dispose()
    {
        _calibration.Dispose();
        _model.Dispose();
    }

    private static void Near(string what, double expected, double actual, double tolerance) =>
        Assert.True(Math.Abs(actual - expected) <= tolerance * Math.Abs(expected),
            $"{what}: {actual:+0.0000;-0.0000}, measured independently {expected:+0.0000;-0.0000}");

    private static LayerPlan Svd(int keys, int values) =>
        new(CompressionMethod.Svd, keys == Components ? null : keys, values == Components ? null : values * HeadDim);

    private static LayerPlan Fine(int keys, int values) => Svd(keys, values) with { Method = CompressionMethod.Fine };
}
