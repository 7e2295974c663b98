using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Model;
using Crosshead.Model.Views;
using static TorchSharp.torch;

namespace Crosshead.Tests.Model;

/// <summary>
/// What a query sees through a window, against the definition: key j from query i where i − window &lt; j ≤ i.
/// </summary>
public sealed class SlidingWindowTests
{
    private const int Length = 20, Vocabulary = 30;

    public static TheoryData<AttentionOptions> Variants =>
    [
        new AttentionOptions { Heads = 4, KeyValueHeads = 2, SlidingWindow = 5 },
        new AttentionOptions { Heads = 4, SlidingWindow = 1 },
        new AttentionOptions { Heads = 4, SlidingWindow = 64 },
        new AttentionOptions
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            KeyValueHeads = 4,
            KeyComponents = 2,
            ValueComponents = 3,
            MixStart = MixStart.Normal,
            SlidingWindow = 5,
        },
        new AttentionOptions { Variant = AttentionVariant.TalkingHeads, Heads = 4, SlidingWindow = 3 },
    ];

    [Theory]
    [InlineData(0, 9, 4)]
    [InlineData(0, 9, 9)]
    [InlineData(0, 9, 100)]
    [InlineData(0, 9, null)]
    [InlineData(6, 1, 3)]
    [InlineData(6, 1, 7)]
    [InlineData(6, 4, 3)]
    [InlineData(6, 4, 1)]
    [InlineData(6, 4, null)]
    public void Masks_are_those_of_the_definition(int start, int count, int? window)
    {
        using var scope = NewDisposeScope();
        using var model = Create(new AttentionOptions { Heads = 4 });
        var view = new CausalView(model.Views.Rotary, start, count, CPU).Within(window);
        for (var n = 0; n < count; n++)
            for (var key = 0; key < start + count; key++)
            {
                var query = start + n;
                var expected = key <= query && key > query - (window ?? int.MaxValue);
                Assert.True(Sees(view, 0, n, key) == expected, $"query {query}, key {key}");
            }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(100)]
    public void Masks_of_steps_are_those_of_the_definition(int? window)
    {
        using var scope = NewDisposeScope();
        using var model = Create(new AttentionOptions { Heads = 4 });
        long[] positions = [0, 5, 9];
        var view = new StepView(model.Views.Rotary, tensor(positions), 10, CPU).Within(window);
        for (var b = 0; b < positions.Length; b++)
            for (var key = 0; key < 10; key++)
            {
                var expected = key <= positions[b] && key > positions[b] - (window ?? int.MaxValue);
                Assert.True(Sees(view, b, 0, key) == expected, $"sequence {b}, key {key}");
            }
    }

    [Fact]
    public void A_window_as_long_as_the_sequence_keeps_the_causal_path_and_each_width_has_one_mask()
    {
        using var scope = NewDisposeScope();
        using var model = Create(new AttentionOptions { Heads = 4 });
        var view = new CausalView(model.Views.Rotary, 0, 10, CPU);
        Assert.True(view.Within(10) is { Mask: null, Causal: true });
        Assert.Same(view.Within(null), view.Within(11));
        Assert.Same(view.Within(4), view.Within(4));
        Assert.NotSame(view.Within(4), view.Within(5));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_token_reaches_as_far_as_the_window(AttentionOptions attention)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Create(attention, layers: 1);
        var tokens = Tokens(1);
        var logits = model.Logits(tokens);
        tokens[0, 4] = (tokens[0, 4].item<long>() + 1) % Vocabulary;
        var changed = (model.Logits(tokens) - logits).abs().amax([-1])[0];
        for (var n = 0; n < Length; n++)
            Assert.Equal(n >= 4 && n < 4 + attention.SlidingWindow, changed[n].item<double>() > 0);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Cached_in_chunks_equal_the_whole(AttentionOptions attention)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Create(attention, full: [1]);
        var tokens = Tokens(1);
        var whole = model.Logits(tokens);
        foreach (var chunk in new[] { 1, 3, 7, Length })
        {
            using var state = model.CreateDecodeState(1, Length);
            for (var start = 0; start < Length; start += chunk)
            {
                var count = Math.Min(chunk, Length - start);
                Close(model.Logits(tokens.narrow(1, start, count), state), whole.narrow(1, start, count));
            }
        }
    }

    [Fact]
    public void Layers_named_full_see_everything()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var attention = new AttentionOptions { Heads = 4, SlidingWindow = 3 };
        using var windowed = Create(attention);
        using var full = Create(attention, full: [0, 1]);
        using var plain = Create(attention with { SlidingWindow = null });
        var tokens = Tokens(2);
        Close(full.Logits(tokens), plain.Logits(tokens));
        Assert.True(TensorLeaks.RelativeError(windowed.Logits(tokens), plain.Logits(tokens)) > 1e-3);
        Assert.Throws<CrossheadException>(() => Create(attention, full: [2]));
    }

    private static bool Sees(TokenView view, int sequence, int query, int key) => view.Mask switch
    {
        null => !view.Causal || key <= query,
        { } mask when mask.dim() == 2 => mask[query, key].item<bool>(),
        { } mask => mask[sequence, 0, query, key].item<bool>(),
    };

    private static Tensor Tokens(int batch)
    {
        using var generator = new Generator(7);
        return randint(0, Vocabulary, [batch, Length], ScalarType.Int64, generator: generator);
    }

    private static void Close(Tensor actual, Tensor expected) =>
        Assert.InRange(TensorLeaks.RelativeError(actual, expected), 0, 1e-10);

    private static LanguageModel Create(AttentionOptions attention, int layers = 2, int[]? full = null)
    {
        var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = Vocabulary,
            HiddenSize = 16,
            Layers = layers,
            Context = Length,
            InitializerRange = 0.4,
            Attention = attention,
            FullAttentionLayers = full,
        }, ScalarType.Float64);
        model.Initialize(3);
        return model;
    }
}
