using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Steps at positions that the device alone knows, against whole sequences.</summary>
public sealed class DevicePositionTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Names => TinyModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Steps_equal_whole_sequences(string name)
    {
        using var model = TinyModels.Create(name);
        Same(model, [7, 7, 7]);
        model.Freeze(ScalarType.Float32);
        Same(model, [7, 7, 7]);
        Same(model, [7, 3, 5]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(64)]
    public void Windows_hide_what_they_hide(int window)
    {
        foreach (var attention in new[]
        {
            new AttentionOptions { Heads = 4, KeyValueHeads = 2, HeadDim = 6, SlidingWindow = window },
            new() { Variant = AttentionVariant.TalkingHeads, Heads = 4, HeadDim = 6, SlidingWindow = window },
        })
        {
            using var model = TinyModels.Create(TinyModels.Options(attention) with { FullAttentionLayers = [1] });
            Same(model, [7, 7, 7]);
            Same(model, [7, 4, 2]);
        }
    }

    [Fact]
    public void Steps_leave_no_tensor_behind()
    {
        using var model = TinyModels.Create("mea c<g");
        TensorLeaks.None(() => Same(model, [7, 6, 5]));
    }

    [Fact]
    public void Only_a_mask_that_is_asked_for_is_made()
    {
        using var scope = NewDisposeScope();
        var made = 0;
        var span = new TokenView(empty(0), empty(0), null, Causal: false)
        {
            LateMask = () => { made++; return ones(1); },
            Length = ones(1),
        };
        Assert.True(span.IsRange);
        Assert.Equal(0, made);
        Assert.NotNull(span.Mask);
        Assert.Same(span.Mask, span.Mask);
        Assert.Equal(1, made);
    }

    // Steps of three sequences, whose places on the device the host does not know, against each sequence alone; room is
    // left that must not be seen.
    private static void Same(LanguageModel model, int[] lengths)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        const int steps = 5, capacity = 20;
        using var random = new Generator(1);
        var tokens = randint(0, 37, [lengths.Length, capacity], ScalarType.Int64, generator: random);
        using var state = model.CreateDecodeState(lengths.Length, capacity);
        for (var b = 0; b < lengths.Length; b++)
            model.Hidden(tokens.narrow(0, b, 1).narrow(1, 0, lengths[b]), model.Views.Of(0, lengths[b]),
                state.LayersOf(b, 1));
        for (var n = 0; n < steps; n++)
        {
            var at = tensor(lengths.Select(l => (long)l + n).ToArray(), ScalarType.Int64);
            var next = tokens.gather(1, at.unsqueeze(1));
            foreach (var ids in new[] { (next + 1) % 37, next }) // what was written before is forgotten
            {
                var logits = model.Head(model.Hidden(ids, model.Views.At(at, capacity), state.Layers));
                if (!ReferenceEquals(ids, next)) continue;
                for (var b = 0; b < lengths.Length; b++)
                    Assert.InRange(TensorLeaks.RelativeError(logits[b],
                        model.LastLogits(tokens.narrow(0, b, 1).narrow(1, 0, lengths[b] + n + 1))[0]), 0, Tolerance);
            }
        }
    }
}
