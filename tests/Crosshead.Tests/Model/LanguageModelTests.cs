using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Model;

public sealed class LanguageModelTests : IDisposable
{
    private static readonly ModelOptions Tiny = new()
    {
        VocabularySize = 40,
        HiddenSize = 16,
        Layers = 2,
        Context = 12,
        Attention = new() { Heads = 4, KeyValueHeads = 2 },
    };

    private readonly Generator _random = new(11);

    public void Dispose() => _random.Dispose();

    [Fact]
    public void Loss_is_the_mean_cross_entropy_of_the_logits_without_ignored_targets()
    {
        using var scope = NewDisposeScope();
        using var model = Create(ScalarType.Float64);
        var (tokens, targets) = (Tokens(3, 8), Tokens(3, 8));
        targets[1, 2..] = -100;
        var logits = model.Logits(tokens).reshape(-1, 40);
        var log = logits.log_softmax(-1);
        var picked = Enumerable.Range(0, 24).Where(i => targets.reshape(-1)[i].item<long>() >= 0)
            .Select(i => -log[i, targets.reshape(-1)[i].item<long>()].item<double>()).ToArray();
        Assert.Equal(18, picked.Length);
        Assert.Equal(picked.Average(), model.Loss(tokens, targets).item<double>(), 12);
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_and_residual_projections_start_smaller()
    {
        using var scope = NewDisposeScope();
        using var a = Create(ScalarType.Float32);
        using var b = Create(ScalarType.Float32);
        Assert.All(a.Parameters.Zip(b.Parameters),
            p => Assert.True(p.First.Value.equal(p.Second.Value).all().item<bool>()));
        double Deviation(string name) => a.Parameters.Single(p => p.Name == name).Value.std().item<float>();
        Assert.Equal(0.02, Deviation("model.layers.0.mlp.gate_proj.weight"), 0.003);
        Assert.Equal(0.01, Deviation("model.layers.0.mlp.down_proj.weight"), 0.0015); // 0.02 / √(2·2)
    }

    [Fact]
    public void Tied_models_have_one_embedding_that_gets_both_gradients()
    {
        using var scope = NewDisposeScope();
        using var model = Create(ScalarType.Float64, Tiny with { TieEmbeddings = true });
        Assert.DoesNotContain(model.Parameters, p => p.Name == "lm_head.weight");
        model.Loss(Tokens(1, 6), Tokens(1, 6)).backward();
        var gradient = model.Parameters[0].Value.grad!;
        Assert.Equal(40, (gradient.abs().sum(1) > 0).sum().item<long>()); // the head touches every row
    }

    [Fact]
    public void Activation_checkpointing_changes_no_gradient()
    {
        using var scope = NewDisposeScope();
        using var model = Create(ScalarType.Float64);
        var (tokens, targets) = (Tokens(2, 8), Tokens(2, 8));
        Tensor[] Gradients(bool checkpointing)
        {
            model.ActivationCheckpointing = checkpointing;
            foreach (var p in model.Parameters) p.Value.grad?.zero_();
            model.Loss(tokens, targets).backward();
            return [.. model.Parameters.Select(p => p.Value.grad!.clone())];
        }
        var plain = Gradients(false);
        Assert.All(plain.Zip(Gradients(true)), g => Assert.True(TensorLeaks.RelativeError(g.Second, g.First) < 1e-12));
    }

    [Fact]
    public void BFloat16_computes_near_float32_with_float32_masters()
    {
        using var scope = NewDisposeScope();
        using var exact = Create(ScalarType.Float32);
        using var rounded = Create(ScalarType.BFloat16);
        Assert.All(rounded.Parameters, p => Assert.Equal(ScalarType.Float32, p.Value.dtype));
        var (tokens, targets) = (Tokens(2, 8), Tokens(2, 8));
        Assert.Equal(exact.Loss(tokens, targets).item<float>(), rounded.Loss(tokens, targets).item<float>(), 0.02f);
    }

    [Fact]
    public void Frozen_models_compute_the_same_without_gradients()
    {
        using var scope = NewDisposeScope();
        using var model = Create(ScalarType.Float32,
            Tiny with { Attention = new() { Variant = AttentionVariant.Mea, Heads = 4, MixStart = MixStart.Normal } });
        var tokens = Tokens(2, 8);
        var before = model.Logits(tokens).detach();
        model.Freeze(ScalarType.Float32);
        var after = model.Logits(tokens);
        Assert.False(after.requires_grad);
        Assert.True(TensorLeaks.RelativeError(after, before) < 1e-6);
    }

    [Fact]
    public void A_sequence_longer_than_the_context_is_refused()
    {
        using var scope = NewDisposeScope();
        using var model = Create(ScalarType.Float32);
        Assert.Contains("context (12)", Assert.Throws<CrossheadException>(() => model.Logits(Tokens(1, 13))).Message);
    }

    [Fact]
    public void A_step_leaves_no_tensors_behind()
    {
        foreach (var checkpointing in new[] { false, true })
        {
            using var model = Create(ScalarType.BFloat16);
            model.ActivationCheckpointing = checkpointing;
            TensorLeaks.None(() =>
            {
                using var scope = NewDisposeScope();
                model.Loss(Tokens(2, 8), Tokens(2, 8)).backward();
                foreach (var p in model.Parameters) p.Value.grad?.zero_();
            });
        }
    }

    [Fact]
    public void Bad_shapes_are_refused() =>
        Assert.Equal("layers (0) must be at least 1 and at most 100000.",
            Assert.Throws<CrossheadException>(() => new LanguageModel(Tiny with { Layers = 0 })).Message);

    private static LanguageModel Create(ScalarType type, ModelOptions? options = null)
    {
        var model = new LanguageModel(options ?? Tiny, type);
        model.Initialize(11);
        return model;
    }

    private Tensor Tokens(long batch, long length) =>
        randint(0, 40, [batch, length], ScalarType.Int64, generator: _random);
}
