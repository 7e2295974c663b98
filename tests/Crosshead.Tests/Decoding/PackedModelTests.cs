using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Decoding;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Models whose weights stay quantised on a CUDA device against the same weights in float32.</summary>
[Collection(Alone.Name)]
public sealed class PackedModelTests
{
    private static readonly bool s_cuda = cuda_is_available();

    private static ModelOptions Options(bool tied = true, ExpertOptions? experts = null, bool bias = false,
        AttentionVariant variant = AttentionVariant.Gqa) => new()
        {
            VocabularySize = 300,
            HiddenSize = 512,
            FeedForwardSize = 768,
            Layers = 4,
            Context = 256,
            TieEmbeddings = tied,
            Experts = experts,
            Attention = new AttentionOptions
            {
                Variant = variant,
                Heads = 8,
                KeyValueHeads = 4,
                HeadDim = 64,
                ProjectionBias = bias,
                QueryKeyNorm = bias,
            },
            InitializerRange = 0.05,
        };

    [Theory]
    [InlineData("q8_0", true, false)]
    [InlineData("q4_0", false, false)]
    [InlineData("q4_k_m", true, true)]
    [InlineData("q5_k_m", false, true)]
    [InlineData("q6_k", true, false)]
    [InlineData("f16", true, false)]
    public void Captured_and_paged_steps_equal_the_model_in_float32(string recipe, bool tied, bool bias)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        Check(Options(tied, bias: bias), GgufRecipe.Named(recipe), packed: recipe != "f16");
    }

    [Theory]
    [InlineData("q4_k_m", false)]
    [InlineData("q4_0", true)]
    [InlineData("f16", true)]
    public void Experts_stay_quantised(string recipe, bool clamped)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        Check(Options(experts: new ExpertOptions
        {
            Count = 8,
            PerToken = 2,
            InnerSize = 256,
            Bias = clamped,
            RouterBias = clamped,
            SwiGluLimit = clamped ? 0.5 : null,
        }), GgufRecipe.Named(recipe), packed: recipe != "f16", experts: true);
    }

    [Fact]
    public void Composed_projections_become_tensors()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        Check(Options(variant: AttentionVariant.Mea), GgufRecipe.Named("q4_0"), packed: true);
    }

    [Fact]
    public void A_captured_step_has_no_kernel_for_norms_in_blocks()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        int Nodes(string recipe)
        {
            using var model = DrawnModel.Of(Options(), GgufRecipe.Named(recipe), ScalarType.BFloat16,
                new Device("cuda:0"));
            using var decoder = new CudaGraphDecoder(model, 1, 80);
            decoder.Draw(40);
            new DecodeBatch(decoder).Step([7]);
            return decoder.Nodes;
        }
        Assert.Equal(Nodes("f16") - (2 * Options().Layers), Nodes("q8_0"));
    }

    [Fact]
    public void A_model_in_float32_has_tensors()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = DrawnModel.Of(Options(), GgufRecipe.Named("q4_0"), ScalarType.Float32, new Device("cuda:0"));
        Assert.All(model.Parameters, p => Assert.Null(p.Packed));
    }

    // Prompts and steps of three sequences, alone and together with a long prompt.
    private static void Check(ModelOptions options, GgufRecipe recipe, bool packed, bool experts = false)
    {
        using var exact = DrawnModel.Of(options, recipe, ScalarType.Float32);
        using var model = DrawnModel.Of(options, recipe, ScalarType.BFloat16, new Device("cuda:0"));
        Assert.Equal(packed, model.Parameters.Any(p => p.Packed is not null));
        if (experts)
            Assert.All(model.Parameters.Where(p => p.Name.Contains(".experts.", StringComparison.Ordinal)
                && p.Kind == ParameterKind.Matrix), p => Assert.Equal(packed, p.Packed is not null));
        int[][] sequences = [.. Enumerable.Range(0, 3).Select(s => TinyModels.Ids(60 + s, seed: s, vocabulary: 300))];
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var expected = sequences.Select(ids =>
            exact.Logits(tensor(ids.Select(id => (long)id).ToArray(), [1, ids.Length]))[0]).ToArray();
        var whole = model.Logits(tensor(sequences[0].Select(id => (long)id).ToArray(), [1, 60]).cuda())[0];
        Near(whole[59], expected[0][59], "without a cache");
        IDecoder[] decoders = [new CudaGraphDecoder(model, 3, 80), new PagedDecoder(model, 3, 80, 20),
            new PagedDecoder(model, 3, 80, 20, inPlace: false)];
        foreach (var decoder in decoders)
        {
            if (decoder.Cache is IPageStore pages)
                for (var s = 0; s < 3; s++) pages.Place(s, [2 + s, 9 + s], 0);
            var batch = new DecodeBatch(decoder);
            batch.Prefill([.. sequences.Select((ids, s) => ids[..(40 + s)])], 512);
            for (var n = 0; n < 8; n++)
            {
                batch.Step([.. sequences.Select((ids, s) => ids[40 + s + n])]);
                for (var s = 0; s < 3; s++)
                    Near(tensor(batch.Logits(s).ToArray()), expected[s][40 + s + n],
                        $"{recipe} {decoder.GetType().Name} step {n} of sequence {s}");
            }
            Assert.Null((decoder as CudaGraphDecoder)?.Refusal ?? (decoder as PagedDecoder)?.Refusal);
            decoder.Dispose();
        }
    }

    private static void Near(Tensor actual, Tensor expected, string what)
    {
        var error = (actual.cpu().to(ScalarType.Float64) - expected.to(ScalarType.Float64)).norm().item<double>()
            / expected.to(ScalarType.Float64).norm().item<double>();
        Assert.True(error < 0.04, $"{what}: relative error {error:G3}");
    }
}
