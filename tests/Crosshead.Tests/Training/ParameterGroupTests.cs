using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Training;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training;

public sealed class ParameterGroupTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Matrices_decay_and_norms_and_mixes_do_not(bool embeddings)
    {
        using var model = TinyRun.Model(TinyRun.With(AttentionVariant.Mea), ScalarType.Float32);
        var groups = ParameterGroup.Split(model.Parameters, 0.1, embeddings);
        Assert.Equal([0.1, 0], groups.Select(g => g.WeightDecay));
        Assert.Equal(model.Parameters.Count, groups.Sum(g => g.Parameters.Count));
        var decaying = groups[0].Parameters.Select(p => p.Name).ToArray();
        Assert.Contains("model.layers.0.self_attn.k_proj.weight", decaying);
        Assert.Equal(embeddings, decaying.Contains("model.embed_tokens.weight"));
        Assert.Equal(embeddings, decaying.Contains("lm_head.weight"));
        Assert.DoesNotContain(decaying, n => n.Contains("norm") || n.Contains("mix"));
        Assert.Contains(groups[1].Parameters, p => p.Name.EndsWith("k_mix", StringComparison.Ordinal));
    }

    [Fact]
    public void Tied_weights_are_stepped_once()
    {
        using var model = TinyRun.Model(TinyRun.Recipe with { Model = TinyRun.Recipe.Model with { TieEmbeddings = true } }, ScalarType.Float32);
        var all = ParameterGroup.Split(model.Parameters, 0.1, true).SelectMany(g => g.Parameters).ToArray();
        Assert.Single(all, p => p.Kind == ParameterKind.Embedding);
        Assert.Equal(all.Length, all.Distinct().Count());
    }
}
