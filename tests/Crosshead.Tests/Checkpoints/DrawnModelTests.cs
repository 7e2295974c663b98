using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints;

/// <summary>Models of random weights in the types of a GGUF file.</summary>
public sealed class DrawnModelTests
{
    [Theory]
    [InlineData(AttentionVariant.Gqa)]
    [InlineData(AttentionVariant.Mea)]
    public void Weights_have_the_types_of_the_recipe(AttentionVariant variant)
    {
        var options = new ModelOptions
        {
            VocabularySize = 300,
            HiddenSize = 256,
            FeedForwardSize = 512,
            Layers = 8,
            Attention = new AttentionOptions { Variant = variant, Heads = 4, KeyValueHeads = 4 },
        };
        var recipe = GgufRecipe.Named("q4_k_m");
        using var model = DrawnModel.Of(options, recipe, ScalarType.Float32);
        var formats = model.Parameters.ToDictionary(p => p.Name, p => p.Stored?.Format.Name);
        Assert.Equal("Q6_K", formats["lm_head.weight"]);
        Assert.Equal("Q4_K", formats["model.embed_tokens.weight"]);
        Assert.Equal("Q6_K", formats["model.layers.0.self_attn.v_proj.weight"]);
        Assert.Equal("Q4_K", formats["model.layers.1.self_attn.v_proj.weight"]);
        Assert.Null(formats["model.norm.weight"]);
        Assert.Equal(variant == AttentionVariant.Mea, formats.ContainsKey("model.layers.0.self_attn.k_mix"));
        if (variant == AttentionVariant.Mea) Assert.Null(formats["model.layers.0.self_attn.k_mix"]);
        Assert.Equal(model.Parameters.Sum(p => p.Stored?.Bytes ?? 4 * p.Value.numel()),
            DrawnModel.BytesOf(options, recipe, ScalarType.Float32));
        using var scope = NewDisposeScope();
        var weight = model.Parameters.Single(p => p.Name == "model.layers.1.mlp.up_proj.weight").In(ScalarType.Float32);
        Assert.InRange(weight.std().item<float>(), 0.9 * options.InitializerRange, 1.1 * options.InitializerRange);
        Assert.True(model.Logits(tensor(new long[] { 1, 2, 3 }, [1, 3])).isfinite().all().item<bool>());
    }

    [Theory]
    [InlineData("fp8", "F8", "F8", null)]
    [InlineData("mxfp4", null, "MXFP4", null)]
    public void Weights_are_those_of_a_quantised_folder(string name, string? attention, string expert, string? others)
    {
        var options = new ModelOptions
        {
            VocabularySize = 300,
            HiddenSize = 256,
            FeedForwardSize = 512,
            Layers = 2,
            Experts = new() { Count = 4, PerToken = 2, InnerSize = 96 },
            Attention = new AttentionOptions { Heads = 4, KeyValueHeads = 4 },
        };
        var drawn = DrawnWeights.Named(name);
        using var model = DrawnModel.Of(options, drawn, ScalarType.Float32);
        var formats = model.Parameters.ToDictionary(p => p.Name, p => p.Stored?.Format.Name);
        Assert.Equal(attention, formats["model.layers.0.self_attn.q_proj.weight"]);
        Assert.Equal(expert, formats["model.layers.1.mlp.experts.3.down_proj.weight"]);
        foreach (var dense in new[] { "lm_head.weight", "model.embed_tokens.weight", "model.layers.1.mlp.gate.weight" })
            Assert.Equal(others, formats[dense]);
        using var scope = NewDisposeScope();
        var weight = model.Parameters.Single(p => p.Name == "model.layers.1.mlp.experts.0.up_proj.weight")
            .In(ScalarType.Float32);
        Assert.InRange(weight.std().item<float>(), 0.7 * options.InitializerRange, 1.4 * options.InitializerRange);
        Assert.True(model.Logits(tensor(new long[] { 1, 2, 3 }, [1, 3])).isfinite().all().item<bool>());
    }
}
