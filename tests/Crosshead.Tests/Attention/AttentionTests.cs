using Crosshead.Attention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention;

public sealed class AttentionTests
{
    public static TheoryData<string> Cases => AttentionCases.Names;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_the_plain_reference(string name)
    {
        using var scope = NewDisposeScope();
        using var layer = new AttentionLayer(AttentionCases.Options[name], seed: 3);
        var x = layer.RandomInput();
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x), layer.Reference(x)) < 1e-11);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_equal_finite_differences(string name)
    {
        using var scope = NewDisposeScope();
        using var layer = new AttentionLayer(AttentionCases.Options[name], seed: 5);
        var x = layer.RandomInput();
        var probe = layer.RandomInput();
        (layer.Forward(x) * probe).sum().backward();
        using var grad = no_grad();
        foreach (var parameter in layer.Parameters)
        {
            var value = parameter.Value.view(-1);
            var index = value.shape[0] / 2;
            var start = value[index].item<double>();
            double At(double v)
            {
                value[index] = v;
                return (layer.Forward(x) * probe).sum().item<double>();
            }
            var slope = (At(start + 1e-5) - At(start - 1e-5)) / 2e-5;
            value[index] = start;
            var gradient = parameter.Value.grad!.view(-1)[index].item<double>();
            Assert.True(Math.Abs(slope - gradient) <= 1e-6 * (1 + Math.Abs(slope)),
                $"{parameter.Name}: {slope} by differences, {gradient} by backward");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Does_not_look_into_the_future(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new AttentionLayer(AttentionCases.Options[name], seed: 7);
        var x = layer.RandomInput();
        var before = layer.Forward(x);
        x[0, AttentionCases.Length - 1] += 1;
        var after = layer.Forward(x);
        Assert.Equal(0, (before - after)[0, ..(AttentionCases.Length - 1)].abs().max().item<double>());
        Assert.NotEqual(0, (before - after)[0, AttentionCases.Length - 1].abs().max().item<double>());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Leaves_no_tensors_behind(string name) => TensorLeaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var layer = new AttentionLayer(AttentionCases.Options[name], seed: 1);
        layer.Forward(layer.RandomInput()).sum().backward();
    });

    [Fact]
    public void Mea_with_identity_mixes_and_no_norm_is_plain_attention()
    {
        using var scope = NewDisposeScope();
        using var plain = new AttentionLayer(new() { Heads = 4, KeyValueHeads = 2 }, seed: 2, asInitialized: true);
        using var mea = new AttentionLayer(
            new() { Variant = AttentionVariant.MeaNoNorm, Heads = 4, KeyValueHeads = 2 }, seed: 2,
            asInitialized: true);
        var x = plain.RandomInput();
        using (no_grad())
            foreach (var p in plain.Parameters) mea.Parameters.Single(m => m.Name == p.Name).Value.copy_(p.Value);
        Assert.True(TensorLeaks.RelativeError(mea.Forward(x), plain.Forward(x)) < 1e-12);
    }

    [Fact]
    public void Talking_heads_refuses_scores_that_would_not_fit()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new AttentionLayer(
            new() { Variant = AttentionVariant.TalkingHeads, Heads = 4, HeadDim = 2 }, seed: 1);
        using var rotary = new RotaryEmbedding(2, 20000, AttentionCases.Base, ScalarType.Float64, CPU);
        var (cos, sin) = rotary.Rows(0, 20000);
        var error = Assert.Throws<CrossheadException>(() =>
            layer.Attention.Forward(zeros([1, 20000, AttentionCases.Width], ScalarType.Float64),
                new TokenView(cos, sin, null, true)));
        Assert.Contains("shorten the context", error.Message);
    }
}
