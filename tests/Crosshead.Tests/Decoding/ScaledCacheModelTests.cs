using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Decoding;
using Crosshead.Model;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Models on a CUDA device whose cache has 8 bits a number against the same weights in float32.</summary>
[Collection(Alone.Name)]
public sealed class ScaledCacheModelTests
{
    private static readonly bool s_cuda = cuda_is_available();

    [Theory]
    [InlineData(AttentionVariant.Gqa, "f16", "int8", false, 0.05)]
    [InlineData(AttentionVariant.Gqa, "q8_0", "fp8", true, 0.15)]
    [InlineData(AttentionVariant.Mea, "f16", "int8", false, 0.05)]
    [InlineData(AttentionVariant.MeaNoNorm, "f16", "int8", true, 0.05)]
    [InlineData(AttentionVariant.Differential, "f16", "int8", false, 0.12)]
    [InlineData(AttentionVariant.TalkingHeads, "f16", "fp8", false, 0.15)]
    public void Steps_equal_the_model_in_float32(AttentionVariant variant, string recipe, string cache, bool norm,
        double most)
    {
        var options = Options(variant, norm);
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        var format = new CacheOptions { Type = CacheOptions.Parse(cache) }.FormatFor(ScalarType.BFloat16,
            new Device("cuda:0"));
        using var exact = DrawnModel.Of(options, GgufRecipe.Named(recipe), ScalarType.Float32);
        using var model = DrawnModel.Of(options, GgufRecipe.Named(recipe), ScalarType.BFloat16, new Device("cuda:0"));
        int[][] sequences = [.. Enumerable.Range(0, 3).Select(s => TinyModels.Ids(90 + s, seed: s, vocabulary: 300))];
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var expected = sequences.Select(ids =>
            exact.Logits(tensor(ids.Select(id => (long)id).ToArray(), [1, ids.Length]))[0]).ToArray();
        IDecoder[] decoders = [new CudaGraphDecoder(model, 3, 120, format),
            new PagedDecoder(model, 3, 120, 20, inPlace: true, format)];
        foreach (var decoder in decoders)
        {
            Assert.Equal(0, decoder.Cache.Bytes);
            if (decoder.Cache is IPageStore pages)
                for (var s = 0; s < 3; s++) pages.Place(s, [2 + s, 9 + s], 0);
            var batch = new DecodeBatch(decoder);
            batch.Prefill([.. sequences.Select((ids, s) => ids[..(60 + s)])], 40);
            Assert.Equal(options.CacheBytesPerToken(format) * 183, decoder.Cache.Bytes);
            for (var n = 0; n < 8; n++)
            {
                batch.Step([.. sequences.Select((ids, s) => ids[60 + s + n])]);
                for (var s = 0; s < 3; s++)
                {
                    var (own, right) = (tensor(batch.Logits(s).ToArray()).to(ScalarType.Float64),
                        expected[s][60 + s + n].to(ScalarType.Float64));
                    var error = (own - right).norm().item<double>() / right.norm().item<double>();
                    Assert.True(error < most,
                        $"{variant} {cache} {decoder.GetType().Name} step {n} of sequence {s}: error {error:G3}");
                }
            }
            Assert.Null((decoder as CudaGraphDecoder)?.Refusal ?? (decoder as PagedDecoder)?.Refusal);
            decoder.Dispose();
        }
    }

    // Prompts that are computed together, in pieces of odd lengths and beside steps, against prompts one by one.
    [Theory]
    [InlineData(AttentionVariant.Gqa, "int8", false)]
    [InlineData(AttentionVariant.Gqa, "fp8", true)]
    [InlineData(AttentionVariant.Mea, "int8", false)]
    [InlineData(AttentionVariant.MeaNoNorm, "fp8", false)]
    [InlineData(AttentionVariant.MeaNoNorm, "int8", true)]
    [InlineData(AttentionVariant.Differential, "int8", false)]
    public void Prompts_together_equal_prompts_alone(AttentionVariant variant, string cache, bool norm)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        var device = new Device("cuda:0");
        var format = new CacheOptions { Type = CacheOptions.Parse(cache) }.FormatFor(ScalarType.BFloat16, device);
        using var model = DrawnModel.Of(Options(variant, norm), GgufRecipe.Named("f16"), ScalarType.BFloat16, device);
        using var together = new PagedDecoder(model, 4, 200, 20, inPlace: true, format);
        using var alone = new PagedDecoder(model, 4, 200, 20, inPlace: false, format);
        Assert.NotEqual(default, together.PromptCost); // there are kernels for it
        int[][] sequences = [.. Enumerable.Range(0, 4).Select(s => TinyModels.Ids(180, seed: s, vocabulary: 300))];
        int[] counts = [1, 37, 64, 150];
        foreach (var decoder in new[] { together, alone })
            for (var s = 0; s < 4; s++)
                ((IPageStore)decoder.Cache).Place(s, [.. Enumerable.Range(s * 4, 4)], 0);
        for (var n = 0; n < 6; n++)
        {
            // A pass has pieces of all sequences, and the shortest sequence one step.
            var pass = new DecodePass();
            for (var s = 0; s < 4; s++)
            {
                var (from, to) = (counts[s] * n / 6, n == 5 ? counts[s] : counts[s] * (n + 1) / 6);
                if (s == 0) (from, to) = (n, n + 1);
                for (var at = from; at < to; at++)
                    pass.Add(s, at, sequences[s][at], wanted: at == to - 1, reach: s == 0 ? 0 : counts[s]);
            }
            together.Run(pass);
            alone.Run(pass);
            for (var row = 0; row < pass.Count; row++)
            {
                if (!pass.Rows[row].Wanted) continue;
                var (own, right) = (tensor(together.Logits(row).ToArray()), tensor(alone.Logits(row).ToArray()));
                var error = (own - right).norm().item<float>() / right.norm().item<float>();
                // a number may be rounded to the next one of 8 bits
                var most = cache == "fp8" || variant == AttentionVariant.Differential ? 0.1 : 0.04;
                Assert.True(error < most, $"{variant} {cache} pass {n} row {row}: error {error:G3}");
            }
        }
        Assert.Null(together.Refusal);
    }

    private static ModelOptions Options(AttentionVariant variant, bool norm)
    {
        var options = new ModelOptions
        {
            VocabularySize = 300,
            HiddenSize = 512,
            FeedForwardSize = 768,
            Layers = 3,
            Context = 256,
            TieEmbeddings = true,
            Attention = new AttentionOptions
            {
                Variant = variant,
                Heads = 8,
                KeyValueHeads = 4,
                HeadDim = 64,
                QueryKeyNorm = norm,
                KeyComponents = variant is AttentionVariant.Mea or AttentionVariant.MeaNoNorm ? 2 : null,
                ValueComponents = variant is AttentionVariant.Mea ? 2 : null,
            },
            InitializerRange = 0.05,
        };
        options.Validate();
        return options;
    }
}
