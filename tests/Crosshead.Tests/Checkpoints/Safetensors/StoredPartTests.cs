using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.Tests.Checkpoints.HuggingFace;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Safetensors;

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
        var parts = PartsOf($"{Prefix}gate_up_proj", gateUp.shape).Select(p => (Part: p, Stored: gateUp))
            .Concat(PartsOf($"{Prefix}down_proj", down.shape).Select(p => (Part: p, Stored: down)))
            .ToDictionary(p => p.Part.Name);

        Assert.Equal(3 * Experts, parts.Count);
        foreach (var (name, tensors) in new[] { ("gate", gates), ("up", ups), ("down", downs) })
            for (var e = 0; e < Experts; e++)
            {
                var (part, stored) = parts[$"{Prefix}{e}.{name}_proj.weight"];
                Assert.Equal(tensors[e].shape, part.Shape);
                var copy = zeros(part.Shape);
                for (var piece = 0; piece < Experts; piece++)
                    part.Copy(stored.narrow(0, piece, 1), piece,
                        (rows, first) => copy.narrow(0, first, rows.shape[0]).copy_(rows));
                Assert.True(copy.equal(tensors[e]).all().item<bool>());
            }
    }

    [Fact]
    public void A_model_loads_experts_kept_together_as_it_loads_them_apart()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var folder = new TemporaryFolder();
        var options = ModelConfig.Parse("config.json", FamilyConfigs.Qwen3Moe);
        using var model = new LanguageModel(options);
        model.Initialize(1);
        ModelDirectory.Save(folder.Path, model);
        var tensors = model.Parameters.ToDictionary(p => p.Name, p => p.Value);
        for (var layer = 0; layer < options.Layers; layer++)
        {
            var experts = $"model.layers.{layer}.mlp.experts.";
            Tensor[] Take(string name) => [.. Enumerable.Range(0, 8).Select(e => tensors.Remove(
                $"{experts}{e}.{name}_proj.weight", out var t) ? t : throw new InvalidOperationException(name))];
            tensors.Add($"{experts}gate_up_proj", cat([stack(Take("gate")), stack(Take("up"))], 1));
            tensors.Add($"{experts}down_proj", stack(Take("down")));
        }
        SafetensorsWriter.Write(folder.File(ModelFileNames.Weights), tensors);

        using var loaded = ModelDirectory.Load(folder.Path);
        Assert.All(model.Parameters.Zip(loaded.Parameters),
            p => Assert.True(p.First.Value.equal(p.Second.Value).all().item<bool>(), p.First.Name));

        SafetensorsWriter.Write(folder.File(ModelFileNames.Weights),
            tensors.Append(new("model.layers.0.mlp.experts.0.up_proj.weight", zeros(48, 64))));
        Assert.Contains("holds a tensor twice",
            Assert.Throws<CrossheadException>(() => ModelDirectory.Load(folder.Path)).Message);
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
        var part = Assert.Single(PartsOf(name, shape));
        Assert.Equal((name, shape), (part.Name, part.Shape));
        Assert.True(part.IsWhole);
    }

    private static IEnumerable<StoredPart> PartsOf(string name, long[] shape) =>
        TensorLayout.Own.PartsOf(name, shape);
}
