using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Steps at a position that the device alone knows, against those whose position the host knows.</summary>
public sealed class DevicePositionTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Names => TinyModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Steps_equal_those_of_a_known_position(string name)
    {
        using var model = TinyModels.Create(name);
        Same(model, null);
        model.Freeze(ScalarType.Float32);
        Same(model, null);
        Same(model, [0, 4, 2]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(64)]
    public void Windows_hide_what_they_hide(int window)
    {
        foreach (var attention in new[] { new AttentionOptions { Heads = 4, KeyValueHeads = 2, HeadDim = 6, SlidingWindow = window }, new() { Variant = AttentionVariant.TalkingHeads, Heads = 4, HeadDim = 6, SlidingWindow = window } })
        {
            using var model = TinyModels.Create(TinyModels.Options(attention) with { FullAttentionLayers = [1] });
            Same(model, null);
            Same(model, [0, 3, 5]);
        }
    }

    [Fact]
    public void Steps_leave_no_tensor_behind()
    {
        using var model = TinyModels.Create("mea c<g");
        TensorLeaks.None(() => Same(model, [0, 1, 2]));
    }

    [Fact]
    public void Only_a_mask_that_is_asked_for_is_made()
    {
        using var scope = NewDisposeScope();
        var made = 0;
        var span = new TokenSpan(empty(0), empty(0), null, Causal: false) { LateMask = () => { made++; return ones(1); }, Length = ones(1) };
        Assert.True(span.IsRange);
        Assert.Equal(0, made);
        Assert.NotNull(span.Mask);
        Assert.Same(span.Mask, span.Mask);
        Assert.Equal(1, made);
    }

    // The same prompt in two states; steps and a step back, with room left that must not be seen.
    private static void Same(LanguageModel model, long[]? padding)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        const int batch = 3, prompt = 7, steps = 5, capacity = 20;
        var tokens = randint(0, 37, [batch, prompt + steps], ScalarType.Int64);
        using var expected = model.CreateDecodeState(batch, capacity, padding);
        using var actual = model.CreateDecodeState(batch, capacity, padding);
        foreach (var state in new[] { expected, actual }) model.Hidden(tokens.narrow(1, 0, prompt), state);
        for (var n = prompt; n < prompt + steps; n++)
        {
            var next = tokens.narrow(1, n, 1);
            var known = model.Logits(next, expected);
            for (var again = 0; again < 2; again++) // a step back forgets what was written
            {
                actual.Truncate(n);
                var logits = model.Head(model.Hidden(again == 0 ? (next + 1) % 37 : next, model.SpansAt(tensor(new[] { actual.Length }), actual), actual));
                actual.Advance(1);
                if (again == 1) Assert.InRange(TensorLeaks.RelativeError(logits, known), 0, Tolerance);
            }
        }
        Assert.Equal(expected.Length, actual.Length);
    }
}
