using Crosshead.Attention.Caches;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Tests.Generation;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>Activations that are rounded as weights are, in models whose weights have whole thirty-twos.</summary>
public sealed class RoundedActivationsTests
{
    private const int Tokens = 150; // more than a block of a pass

    private static readonly int[] s_ids = TinyModels.Ids(Tokens);

    public RoundedActivationsTests() => CpuKernels.Require();

    [Theory]
    [InlineData(ScalarType.BFloat16, ActivationType.Int8, ActivationType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ActivationType.BFloat16, ActivationType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ActivationType.Float32, ActivationType.Float32)]
    [InlineData(ScalarType.Float32, ActivationType.Int8, ActivationType.Float32)]
    public void Weights_say_what_activations_are_rounded_to(ScalarType type, ActivationType allowed,
        ActivationType expected)
    {
        using var model = Create();
        model.Freeze(type);
        Assert.Equal(expected, CpuWeights.ActivationsOf(model, allowed));
    }

    [Fact]
    public void Narrow_weights_of_bfloat16_multiply_float32()
    {
        using var model = TinyModels.Create("gqa");
        model.Freeze(ScalarType.BFloat16);
        Assert.Equal(ActivationType.Float32, CpuWeights.ActivationsOf(model, ActivationTypes.Usual));
    }

    [Fact]
    public void Rounding_to_bfloat16_changes_little_and_float32_nothing()
    {
        using var model = Create();
        model.Freeze(ScalarType.BFloat16);
        model.Freeze(ScalarType.Float32); // the weights are now the same numbers in both precisions
        using CpuWeights dense = new(model), exact = new(model, ScalarType.BFloat16, ActivationType.Float32),
            rounded = new(model, ScalarType.BFloat16);
        var expected = Logits(dense, chunk: Tokens);
        Assert.Equal(expected, Logits(exact, chunk: Tokens));
        var error = TinyModels.RelativeError(Logits(rounded, chunk: Tokens), expected);
        Assert.InRange(error, 1e-4, 0.03);
    }

    [Fact]
    public void Passes_of_any_size_give_the_same_bits()
    {
        using var model = Create();
        using var weights = new CpuWeights(model, ScalarType.BFloat16);
        var expected = Logits(weights, chunk: 1);
        foreach (var chunk in new[] { 2, 3, 4, 5, 8, 23, 128, Tokens })
            Assert.Equal(expected, Logits(weights, chunk));
    }

    // Many rows are normed and rounded by the members together, few by each for itself.
    [Theory]
    [InlineData("q4_0")]
    [InlineData("q8_0")]
    [InlineData("q4_k_m")] // no single rounding for queries, keys and values
    public void Passes_of_any_size_over_quantised_weights_give_the_same_bits(string recipe)
    {
        using var folder = new TemporaryFolder();
        var options = TinyModels.Options(new() { Heads = 4, KeyValueHeads = 2, HeadDim = 64 }) with
        {
            HiddenSize = 256,
            FeedForwardSize = 512,
            Context = Tokens,
            InitializerRange = 0.05,
        };
        using (var model = TinyModels.Create(options))
            GgufModel.Write(folder.File("x.gguf"), model, GgufRecipe.Named(recipe), folder.Path, "tiny");
        using var loaded = ModelDirectory.LoadFrozen(folder.File("x.gguf"), ScalarType.BFloat16);
        using var weights = new CpuWeights(loaded);
        Assert.Equal(ActivationType.Int8, weights.Activations);
        var expected = Logits(weights, chunk: 1);
        foreach (var chunk in new[] { 7, 15, 16, 33, 128, Tokens })
            foreach (var threads in new[] { 1, 2, 3 })
                Assert.Equal(expected, Logits(weights, chunk, threads));
    }

    private static LanguageModel Create() => TinyModels.Create(
        TinyModels.Options(new() { Heads = 4, KeyValueHeads = 2, HeadDim = 16 }) with
        {
            HiddenSize = 64,
            FeedForwardSize = 96,
            Context = Tokens,
            InitializerRange = 0.1,
        });

    // Of the last token. The cache keeps float32, so that nothing else is rounded.
    private static float[] Logits(CpuWeights weights, int chunk, int? threads = null)
    {
        using var decoder = new CpuDecoder(weights, 1, Tokens, threads, cache: new() { Type = CacheType.Float32 });
        var batch = new DecodeBatch(decoder);
        batch.Prefill([s_ids], chunk, TestContext.Current.CancellationToken);
        return batch.Logits(0).ToArray();
    }
}
