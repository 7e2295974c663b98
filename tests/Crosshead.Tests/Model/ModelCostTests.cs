using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Model;

public sealed class ModelCostTests
{
    public static TheoryData<AttentionOptions> Variants =>
    [
        new AttentionOptions { Heads = 4, KeyValueHeads = 2 },
        new AttentionOptions { Variant = AttentionVariant.GroupNorm, Heads = 4, HeadNorm = HeadNormKind.PerHead },
        new AttentionOptions
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            KeyValueHeads = 2,
            KeyComponents = 1,
            ValueComponents = 3,
        },
        new AttentionOptions { Variant = AttentionVariant.MeaNoNorm, Heads = 4, Compose = ComposedParts.Keys },
        new AttentionOptions
        {
            Heads = 4,
            KeyValueHeads = 2,
            ProjectionBias = true,
            OutputBias = true,
            QueryKeyNorm = true,
        },
        new AttentionOptions
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 4,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 7,
            QueryKeyNorm = true,
            ProjectionBias = true,
        },
        new AttentionOptions
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 4,
            KeyGrain = KeyGrain.Partial,
            KeyComponents = 2,
            ValueComponents = 2,
            Rotated = 6,
        },
        new AttentionOptions
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 4,
            Compose = ComposedParts.Values,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 30,
            QueryKeyNorm = true,
        },
        new AttentionOptions { Variant = AttentionVariant.TalkingHeads, Heads = 4 },
        new AttentionOptions { Variant = AttentionVariant.Differential, Heads = 4, KeyValueHeads = 2 },
    ];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Counts_equal_the_real_tensors(AttentionOptions attention)
    {
        foreach (var tied in new[] { false, true })
        {
            var options = new ModelOptions
            {
                VocabularySize = 50,
                HiddenSize = 24,
                Layers = 3,
                Context = 16,
                Attention = attention,
                TieEmbeddings = tied,
            };
            using var model = new LanguageModel(options);
            var cost = ModelCost.Of(options);
            Assert.Equal(model.Parameters.Sum(p => p.Value.NumberOfElements), cost.Parameters);
            Assert.Equal(cost.Parameters - (50 * 24 * (tied ? 1 : 2)), cost.NonEmbeddingParameters);

            using var scope = NewDisposeScope();
            using var grad = no_grad();
            using var state = model.CreateDecodeState(2, 16);
            model.Logits(ones([2, 5], ScalarType.Int64), state);
            Assert.Equal(2 * 5 * cost.CacheBytesPerToken(4), state.Bytes);
            Assert.Equal(model.CacheBytesPerToken, cost.CacheBytesPerToken(4));
        }
    }

    [Fact]
    public void Of_experts_all_are_counted_as_parameters_and_those_of_a_token_as_operations()
    {
        // D 24, experts of 20, 6 of them, 2 a token; layer 0 dense (F 32, biases), layers 1 and 2 sparse.
        var options = new ModelOptions
        {
            VocabularySize = 50,
            HiddenSize = 24,
            Layers = 3,
            Context = 16,
            FeedForwardSize = 32,
            FeedForwardBias = true,
            Attention = new() { Heads = 4 },
            Experts = new() { Count = 6, PerToken = 2, InnerSize = 20, DenseLayers = [0] },
        };
        using var model = new LanguageModel(options);
        var cost = ModelCost.Of(options);
        Assert.Equal(model.Parameters.Sum(p => p.Value.NumberOfElements), cost.Parameters);
        var multiplied = (3 * 4 * 24 * 24) + (3 * 24 * 32) + (2 * ((24 * 6) + (2 * 3 * 24 * 20))) + (24 * 50);
        Assert.Equal((2 * multiplied) + (3 * 4 * 24 * 16 / 2), cost.ForwardFlops);
    }

    [Fact]
    public void Within_a_window_attention_costs_less()
    {
        // Of 16 queries, the first 4 see 1 to 4 tokens and the rest 4; the definition counts 4 − 4²/(2·16) = 3.5 on
        // average.
        var options = new ModelOptions { Layers = 2, HiddenSize = 24, Context = 16, Attention = new() { Heads = 4 } };
        var windowed =
            options with { Attention = options.Attention with { SlidingWindow = 4 }, FullAttentionLayers = [1] };
        Assert.Equal(4 * 24 * (8 - 3.5), ModelCost.Of(options).ForwardFlops - ModelCost.Of(windowed).ForwardFlops);
    }

    [Fact]
    public void Operations_of_a_known_shape_are_counted_by_hand()
    {
        // D 256, L 6, h 8, F 688, V 4096, context 256: 4·D² + 3·D·F a layer, D·V for the head; 4·h·d a pair over 128
        // keys.
        var cost = ModelCost.Of(new ModelOptions());
        Assert.Equal((2 * ((6 * ((4 * 256 * 256) + (3 * 256 * 688))) + (256 * 4096))) + (6 * 4 * 256 * 128L),
            cost.ForwardFlops);
        Assert.Equal(3 * cost.ForwardFlops, cost.TrainingFlops);
        Assert.Equal((2 * 4096 * 256) + (6 * ((4 * 256 * 256) + (3 * 256 * 688) + (2 * 256))) + 256, cost.Parameters);
    }
}
