using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Tests.Model;

public sealed class ModelPartsTests
{
    private static readonly ModelOptions Tiny = new()
    {
        VocabularySize = 30,
        HiddenSize = 16,
        Layers = 3,
        Context = 12,
        Attention = new() { Heads = 4, KeyValueHeads = 2 },
    };

    public static TheoryData<ModelOptions> Models =>
    [
        Tiny,
        Tiny with { TieEmbeddings = true, FeedForwardBias = true },
        Tiny with { Experts = new ExpertOptions { Count = 3, PerToken = 2, InnerSize = 8, DenseLayers = [1] } },
        .. Enum.GetValues<AttentionVariant>()
            .Select(variant => Tiny with { Attention = new() { Variant = variant, Heads = 4 } }),
        Tiny with
        {
            VirtualHeads = [new() { KeyComponents = 1, ValueGrain = ValueGrain.Dense, ValueRank = 3 }, null, null],
        },
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void Shapes_without_memory_are_those_of_the_model(ModelOptions options)
    {
        using var model = new LanguageModel(options);
        Assert.Equal(model.Parameters.Select(p => $"{p.Name} {string.Join('×', p.Value.shape)}").Order(),
            ModelParts.Shapes(options).Select(p => $"{p.Name} {string.Join('×', p.Shape)}").Order());
    }

    [Fact]
    public void A_model_of_any_size_has_shapes()
    {
        var options = Tiny with { Layers = 100_000, VocabularySize = 1_000_000_000 };
        Assert.Equal(["model.embed_tokens.weight", "lm_head.weight", "model.norm.weight",
            "model.layers.0.input_layernorm.weight"], ModelParts.Shapes(options).Take(4).Select(p => p.Name));
    }

    [Fact]
    public void A_model_larger_than_the_machine_is_refused_before_memory_is_taken() => Assert.StartsWith(
        // 2 · 30 · 10⁶ and 3 layers of 2 · 2 · 10¹² + …
        "the model's 12.0 T parameters take 43.7 TiB as float32, this process can have ",
        Assert.Throws<CrossheadException>(() => new LanguageModel(
            Tiny with { HiddenSize = 1_000_000, FeedForwardSize = 16, Attention = new() { Heads = 4 } })
            .Dispose()).Message);

    [Fact]
    public void Numbers_beyond_counting_are_refused() => Assert.Equal(
        "a model of 100000 layers, hiddenSize 100000000, feedForwardSize 2147483647 and vocabularySize 2147483647 has "
            + "more than 100000 T parameters; use smaller numbers.",
        Assert.Throws<CrossheadException>(() => ModelCost.Of(new()
        {
            Layers = 100_000,
            HiddenSize = 100_000_000,
            FeedForwardSize = int.MaxValue,
            VocabularySize = int.MaxValue,
        })).Message);
}
