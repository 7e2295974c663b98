using Crosshead.Checkpoints;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints;

public sealed class StoredPartTests
{
    private const string Prefix = "model.layers.3.mlp.experts.";
    private const int Experts = 3, Inner = 4, Width = 5;

    [Fact]
    public void Experts_kept_together_come_apart_into_those_they_were_made_of()
    {
        using var scope = NewDisposeScope();
        Tensor[] All(long rows, long columns) => [.. Enumerable.Range(0, Experts).Select(_ => randn(rows, columns))];
        var (gates, ups, downs) = (All(Inner, Width), All(Inner, Width), All(Width, Inner));

        // As Transformers multiplies: linear(x, gate_up[e]) is the gate's output followed by the up projection's.
        var gateUp = stack(gates.Zip(ups).Select(p => cat([p.First, p.Second])).ToArray()); // [E,2F,D]
        var down = stack(downs);                                                            // [E,D,F]
        var parts = StoredPart.Of($"{Prefix}gate_up_proj", gateUp.shape).Select(p => (Part: p, Stored: gateUp))
            .Concat(StoredPart.Of($"{Prefix}down_proj", down.shape).Select(p => (Part: p, Stored: down)))
            .ToDictionary(p => p.Part.Name);

        Assert.Equal(3 * Experts, parts.Count);
        foreach (var (name, tensors) in new[] { ("gate", gates), ("up", ups), ("down", downs) })
            for (var e = 0; e < Experts; e++)
            {
                var (part, stored) = parts[$"{Prefix}{e}.{name}_proj.weight"];
                Assert.Equal(tensors[e].shape, part.Shape);
                Assert.True(part.In(stored).equal(tensors[e]).all().item<bool>());
            }
    }

    [Theory]
    [InlineData("model.layers.0.mlp.experts.0.gate_proj.weight", new long[] { 4, 5 })]
    [InlineData("model.layers.0.mlp.gate.weight", new long[] { 8, 5 })]
    [InlineData("model.layers.0.mlp.experts.gate_up_proj", new long[] { 8, 5 })]
    [InlineData("model.layers.0.mlp.experts.gate_up_proj", new long[] { 2, 7, 5 })]
    [InlineData("model.layers.0.mlp.experts.down_proj", new long[] { 1000000000000, 0, 5 })]
    [InlineData("model.norm.weight", new long[] { 5 })]
    public void Any_other_tensor_is_its_own_parameter(string name, long[] shape)
    {
        var part = Assert.Single(StoredPart.Of(name, shape));
        Assert.Equal((name, shape), (part.Name, part.Shape));
        using var stored = zeros(shape);
        Assert.Same(stored, part.In(stored));
    }
}
