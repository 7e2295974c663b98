using static TorchSharp.torch;

namespace Crosshead.Tests.Attention;

/// <summary>What a frozen layer computes, against the layer that it was made of.</summary>
public sealed class FrozenAttentionTests
{
    public static TheoryData<string> Cases => AttentionCases.Names;

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_frozen_layer_computes_the_same_and_decodes_the_same(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new AttentionLayer(AttentionCases.Options[name], seed: 11);
        var x = layer.RandomInput();
        var (whole, decoded) = (layer.Forward(x), layer.Decode(layer.Attention, x));
        Assert.True(TensorLeaks.RelativeError(decoded, whole) < 1e-11);
        using var frozen = layer.Attention.Freeze();
        Assert.Equal(layer.Attention.CacheLayout, frozen.CacheLayout);
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x, frozen), whole) < 1e-14);
        Assert.True(TensorLeaks.RelativeError(layer.Decode(frozen, x), decoded) < 1e-14);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_frozen_layer_freezes_again_from_the_parameters_as_they_are(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new AttentionLayer(AttentionCases.Options[name], seed: 13);
        var x = layer.RandomInput();
        var before = layer.Forward(x);
        var first = layer.Attention.Freeze();
        foreach (var parameter in layer.Parameters) parameter.Value.mul_(1.1);
        using var second = first.Freeze();
        first.Dispose();
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x, second), layer.Forward(x)) < 1e-14);
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x, second), before) > 1e-3);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Freezing_leaves_no_tensors_behind(string name) => TensorLeaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new AttentionLayer(AttentionCases.Options[name], seed: 1);
        using var frozen = layer.Attention.Freeze();
        layer.Decode(frozen, layer.RandomInput());
        layer.Decode(layer.Attention, layer.RandomInput());
    });
}
