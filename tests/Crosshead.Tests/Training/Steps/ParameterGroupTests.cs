using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Steps;

public sealed class ParameterGroupTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Matrices_decay_and_norms_and_mixes_do_not(bool embeddings)
    {
        using var model = TinyRun.Model(TinyRun.With(AttentionVariant.Mea), ScalarType.Float32);
        var groups = ParameterGroup.Split(model.Parameters,
            new TrainingOptions { WeightDecay = 0.1, DecayEmbeddings = embeddings });
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
    public void Mixes_may_have_a_decay_and_a_rate_of_their_own()
    {
        using var model = TinyRun.Model(TinyRun.With(AttentionVariant.Mea), ScalarType.Float32);
        var options = new TrainingOptions { MixWeightDecay = 0.03, MixRateFactor = 5 };
        var mixes = ParameterGroup.Split(model.Parameters, options).Single(g => g.WeightDecay == 0.03);
        Assert.Equal(model.Parameters.Where(p => p.Kind == ParameterKind.Mix).ToHashSet(),
            mixes.Parameters.ToHashSet());

        // Adam's first step is as long as its rate, whatever the gradient.
        using var scope = NewDisposeScope();
        using var optimizer = TinyRun.Optimizer(model, options with { WeightDecay = 0, MixWeightDecay = 0 });
        var before = model.Parameters.ToDictionary(p => p, p => p.Value.detach().clone());
        foreach (var parameter in model.Parameters) parameter.Value.grad = ones_like(parameter.Value);
        optimizer.Step(0.01, ones(1));
        foreach (var (parameter, value) in before)
            Assert.Equal(parameter.Kind == ParameterKind.Mix ? 0.05 : 0.01,
                (value - parameter.Value.detach()).abs().max().item<float>(), 4);
    }

    [Fact]
    public void Tied_weights_are_stepped_once()
    {
        using var model = TinyRun.Model(
            TinyRun.Recipe with { Model = TinyRun.Recipe.Model with { TieEmbeddings = true } }, ScalarType.Float32);
        var all = ParameterGroup.Split(model.Parameters, new TrainingOptions()).SelectMany(g => g.Parameters).ToArray();
        Assert.Single(all, p => p.Kind == ParameterKind.Embedding);
        Assert.Equal(all.Length, all.Distinct().Count());
    }
}
