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
}
