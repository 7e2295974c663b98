using Crosshead.Attention.Composition;
using Crosshead.Checkpoints;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Compression.Fits;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

/// <summary>
/// Checkpoints of families that rotate a part of each head (GLM 4) or none in some layers (SmolLM 3, Command R7B), with
/// one key component in place of all heads.
/// </summary>
public sealed class PartialRotaryTests
{
    private static readonly LayerPlan One = new(CompressionMethod.Fine, 1, 12);

    [Theory]
    [InlineData("glm4", 4)]
    [InlineData("smollm3", 1)]
    [InlineData("cohere2", 1)]
    public void A_compressed_checkpoint_is_the_plain_decoder_with_projected_heads(string name, int partial)
    {
        CpuKernels.Require();
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = ModelDirectory.Load(SharedData.Path("fixtures", "families", name), ScalarType.Float64);
        var (layers, vocabulary) = (model.Options.Layers, model.Options.VocabularySize);
        var text = SmallModels.Text(windows: 20, length: 12, vocabulary: vocabulary);
        using var calibration = Calibration.Run(model, text, 5);
        var plan = CompressionPlan.Uniform(layers, [.. Enumerable.Range(0, layers)], One);
        var ids = SmallModels.Ids(14, seed: 9, vocabulary);
        var tokens = tensor([.. ids.Select(i => (long)i)]);
        var expected = new HandProjections(model, text).Decoder(plan).Logits(tokens);
        using var compressed = Compressor.Compress(model, plan, calibration);
        Assert.Equal(partial, compressed.Options.VirtualHeads!.Count(v => v!.KeyGrain == KeyGrain.Partial));
        Assert.True(TensorLeaks.RelativeError(compressed.Logits(tokens.unsqueeze(0))[0], expected) < 1e-7);
        Assert.True(Compressor.SelfCheck(compressed, tokens.unsqueeze(0)) < 1e-9);

        compressed.Freeze(ScalarType.Float32);
        using var weights = new CpuWeights(compressed);
        using var decoder = new CpuDecoder(weights, 1, ids.Length, threads: 2);
        for (var (start, end) = (0, 6); start < ids.Length; (start, end) = (end, end + 1))
        {
            var pass = new DecodePass();
            for (var n = start; n < end; n++) pass.Add(0, n, ids[n], wanted: true);
            decoder.Run(pass, TestContext.Current.CancellationToken);
            for (var n = start; n < end; n++)
                Assert.True(TensorLeaks.RelativeError(
                    tensor(decoder.Logits(n - start).ToArray()).to(ScalarType.Float64), expected[n]) < 1e-4);
        }
    }

    [Theory]
    [InlineData("glm4")]
    [InlineData("glm4-moe")]
    [InlineData("smollm3")]
    [InlineData("cohere2")]
    public void Scores_change_less_than_with_one_number_a_frequency(string name)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = ModelDirectory.Load(SharedData.Path("fixtures", "families", name), ScalarType.Float64);
        var vocabulary = model.Options.VocabularySize;
        using var calibration =
            Calibration.Run(model, SmallModels.Text(windows: 40, length: 12, vocabulary: vocabulary), 5);
        for (var layer = 0; layer < model.Options.Layers; layer++)
        {
            var (heads, statistics) = (PlainHeads.Of(CompressedLayer.Source(model, layer)),
                (HeadStatistics)calibration[layer]);
            if (statistics.Part.Rest == 0) continue;
            for (var c = 1; c < heads.Groups; c++)
            {
                var (fine, frequencies) = (Error(heads, statistics, c, statistics.Part),
                    Error(heads, statistics, c, new RotatedPart(heads.HeadDim, heads.HeadDim)));
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"{name}, layer {layer}, {c} of {heads.Groups} components: {fine / frequencies:0.000}");
                Assert.InRange(fine, 0, frequencies);
            }
        }
    }

    // Σ ⟨q, e⟩² over the calibration text, of the part of the heads that is not rotated: e = (1 − decode · encode) k.
    private static double Error(PlainHeads heads, HeadStatistics statistics, int components, RotatedPart part)
    {
        var fit = KeyFit.Fine(heads, statistics, components, part);
        var composition = new FrequencyComposition(new(ScalarType.Float64, CPU), components, heads.Groups,
            heads.HeadDim, rotated: part.Rotated);
        if (fit.Mix is { } mix) composition.Mix!.Value.detach().copy_(mix);
        if (fit.RestMix is { } rest) composition.RestMix!.Value.detach().copy_(rest);
        var weight = fit.Bias is null ? fit.Weight : cat([fit.Weight, fit.Bias.unsqueeze(1)], 1);
        // Rows of what is left of the heads' projection, and from them the errors of keys by their second moments.
        var left = statistics.Part.Split(composition.ComposeWeight(weight) - heads.Keys).Unrotated;     // [g·u,n]
        var whole = statistics.Part.Split(heads.Keys).Unrotated;
        // left = map · whole, because components are linear in the heads that were fitted
        var map = linalg.lstsq(whole.t(), left.t()).Solution.t();                                        // [g·u,g·u]
        var moments = map.matmul(statistics.RestKeyMoments).matmul(map.t());
        var (g, u) = (heads.Groups, statistics.Part.Rest);
        var metric = block_diag([.. statistics.RestQueryMoments.unbind(0)]);
        Assert.Equal(g * u, metric.shape[0]);
        return (metric * moments).sum().item<double>();
    }
}
