using Crosshead.Attention.Composition;
using Crosshead.Model;
using Crosshead.Tests.Attention;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

/// <summary>
/// A float64 model computed slowly and plainly, one sequence at a time, straight from its parameters; keys and values
/// can be replaced on their way, as hooks do in reference implementations.
/// </summary>
internal sealed class PlainDecoder(LanguageModel model)
{
    private readonly Dictionary<string, Tensor> _parameters = model.Parameters.ToDictionary(p => p.Name,
        p => p.Value.detach());

    /// <summary>
    /// Replaces the key heads [N, g, d] of a layer before they are turned; with a norm on the keys, γ ⊙ k before the
    /// norm.
    /// </summary>
    public Func<int, Tensor, Tensor> Keys { get; init; } = (_, keys) => keys;

    /// <summary>Replaces the value heads [N, g, d] of a layer.</summary>
    public Func<int, Tensor, Tensor> Values { get; init; } = (_, values) => values;

    /// <summary>Told what the attention of a layer sees, [N, D].</summary>
    public Action<int, Tensor> Saw { get; init; } = (_, _) => { };

    /// <summary>Logits [N, V] of tokens [N].</summary>
    public Tensor Logits(Tensor ids)
    {
        var options = model.Options;
        Tensor Norm(Tensor x, string name) => ReferenceAttention.HeadNorm(x, _parameters[name], options.NormEpsilon);
        var x = _parameters["model.embed_tokens.weight"][ids];                                    // [N,D]
        for (var layer = 0; layer < options.Layers; layer++)
        {
            var block = $"model.layers.{layer}.";
            var seen = Norm(x, block + "input_layernorm.weight");
            Saw(layer, seen);
            x = x + Attend(layer, seen);
            var normed = Norm(x, block + "post_attention_layernorm.weight");
            Tensor Project(Tensor rows, string name) => rows.matmul(_parameters[$"{block}mlp.{name}_proj.weight"].t());
            x = x + Project(nn.functional.silu(Project(normed, "gate")) * Project(normed, "up"), "down");
        }
        return Norm(x, "model.norm.weight").matmul(_parameters["lm_head.weight"].t());
    }

    /// <summary>Mean cross-entropy of windows [B, T], each token but the first predicted.</summary>
    public double Loss(Tensor windows) => windows.unbind(0)
        .Select(w => nn.functional.cross_entropy(Logits(w[..^1]), w[1..]).item<double>()).Average();

    /// <summary>
    /// What a layer makes of its input [N, D] before anything is turned: queries [N, h, d] (normed), keys [N, g, d] (γ
    /// ⊙ k with a norm), values [N, g, d].
    /// </summary>
    public (Tensor Queries, Tensor Keys, Tensor Values) Heads(int layer, Tensor x)
    {
        var options = model.Options.AttentionOf(layer);
        var d = model.Options.HeadDim;
        Tensor Project(string name) => x.matmul(Get(layer, $"{name}_proj.weight").t())
            + (Find(layer, $"{name}_proj.bias") ?? zeros(1, ScalarType.Float64));
        var (queries, keys) = (ReferenceAttention.Heads(Project("q"), d), ReferenceAttention.Heads(Project("k"), d));
        if (options.KeyGrain == KeyGrain.Frequency)
            keys = ReferenceAttention.ComposeByFrequency(keys, Get(layer, "k_mix"));
        else if (options.ComposesKeys) keys = ReferenceAttention.Compose(keys, Get(layer, "k_mix"));
        var values = options.ValueGrain == ValueGrain.Dense
            ? [.. Enumerable.Range(0, options.Groups).Select(g => Project("v").matmul(Get(layer, "v_mix")[.., g]))]
            : ReferenceAttention.Heads(Project("v"), d);
        if (options.ComposesValues && options.ValueGrain == ValueGrain.Head)
            values = ReferenceAttention.Compose(values, Get(layer, "v_mix"));
        if (options.QueryKeyNorm)
        {
            queries = [.. queries.Select(
                q => ReferenceAttention.HeadNorm(q, Get(layer, "q_norm.weight"), options.QueryKeyNormEpsilon))];
            // Components that are fewer than the heads carry the norm's weight already.
            if (!(options.ComposesKeys && options.KeyComponents < options.Groups))
                keys = [.. keys.Select(k => k * Get(layer, "k_norm.weight"))];
        }
        return (stack(queries, 1), stack(keys, 1), stack(values, 1));
    }

    /// <summary>A parameter of a layer's attention; null where there is none.</summary>
    public Tensor? Find(int layer, string name) =>
        _parameters.GetValueOrDefault($"model.layers.{layer}.self_attn.{name}");

    /// <summary>A parameter of a layer's attention.</summary>
    public Tensor Get(int layer, string name) => Find(layer, name) ?? throw new KeyNotFoundException(name);

    private Tensor Attend(int layer, Tensor x)
    {
        var options = model.Options.AttentionOf(layer);
        var (queries, keys, values) = Heads(layer, x);
        (keys, values) = (Keys(layer, keys), Values(layer, values));
        if (options.QueryKeyNorm)
        {
            var gamma = Get(layer, "k_norm.weight");
            keys = stack([.. (keys / gamma).masked_fill(gamma == 0, 0).unbind(1)
                .Select(k => ReferenceAttention.HeadNorm(k, gamma, options.QueryKeyNormEpsilon))], 1);
        }
        Tensor Turned(Tensor heads, long i) => ReferenceAttention.Rotate(heads[.., i], model.Options.RopeBase);
        var repeats = options.Heads / options.Groups;
        var turned = Enumerable.Range(0, options.Groups).Select(g => Turned(keys, g)).ToArray();
        var outputs = Enumerable.Range(0, options.Heads).Select(i =>
        {
            var scores = Turned(queries, i)
                .matmul(turned[i / repeats].t()) / tensor(new[] { Math.Sqrt(model.Options.HeadDim) });
            var output = Softmax(scores, options.SlidingWindow ?? int.MaxValue).matmul(values[.., i / repeats]);
            if (!options.HasHeadNorm) return output;
            var weight = Get(layer, "head_norm.weight");
            return ReferenceAttention.HeadNorm(output, weight.dim() == 1 ? weight : weight[i], options.HeadNormEpsilon);
        });
        return cat([.. outputs], 1)
            .matmul(Get(layer, "o_proj.weight").t()) + (Find(layer, "o_proj.bias") ?? zeros(1, ScalarType.Float64));
    }

    // Of query t over the keys t − window + 1 … t.
    private static Tensor Softmax(Tensor scores, int window)
    {
        var weights = zeros_like(scores);
        for (var t = 0; t < scores.shape[0]; t++)
        {
            var first = Math.Max(0, t - window + 1);
            weights[t, first..(t + 1)] = scores[t, first..(t + 1)].softmax(0);
        }
        return weights;
    }
}
