using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
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
        var (options, o) = (model.Options, model.Options.Block);
        Tensor Norm(Tensor x, string name)
        {
            if (o.Norm == NormKind.Layer) x = x - x.mean([1L], keepdim: true);
            return ReferenceAttention.HeadNorm(x, _parameters[$"{name}.weight"] + Number(o.NormOffset),
                options.NormEpsilon);
        }

        var x = _parameters["model.embed_tokens.weight"][ids] * Number(o.EmbeddingMultiplier);    // [N,D]
        for (var layer = 0; layer < options.Layers; layer++)
        {
            var block = $"model.layers.{layer}.";
            Tensor FeedForward(Tensor rows)
            {
                Tensor Project(Tensor rows, string name) =>
                    rows.matmul(_parameters[$"{block}mlp.{name}_proj.weight"].t());
                var gate = Project(rows, "gate");
                var act = o.Activation == Activation.Silu ? gate * gate.sigmoid()
                    : gate * (Number(1) + (Number(Math.Sqrt(2 / Math.PI)) * (gate + (Number(0.044715) * gate.pow(3))))
                        .tanh()) * Number(0.5);
                return Project(act * Project(rows, "up"), "down");
            }

            Tensor Named(Tensor rows, string name) => Norm(rows, block + name);
            var multiplier = Number(o.ResidualMultiplier);
            var seen = o.Form == BlockForm.PostNorm ? x : Named(x, "input_layernorm");
            Saw(layer, seen);
            var attended = Attend(layer, seen);
            if (o.Form == BlockForm.Parallel)
            {
                x = x + (multiplier * (attended + FeedForward(seen)));
            }
            else if (o.Form == BlockForm.PreNorm)
            {
                x = x + (multiplier * attended);
                x = x + (multiplier * FeedForward(Named(x, "post_attention_layernorm")));
            }
            else
            {
                x = x + (multiplier * Named(attended, "post_attention_layernorm"));
                var normed = o.Form == BlockForm.PostNorm ? x : Named(x, "pre_feedforward_layernorm");
                x = x + (multiplier * Named(FeedForward(normed), "post_feedforward_layernorm"));
            }
        }
        var logits = Number(o.LogitMultiplier) * Norm(x, "model.norm").matmul(
            _parameters[options.TieEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"].t());
        return o.LogitCap is { } cap ? Number(cap) * (logits / Number(cap)).tanh() : logits;
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
        else if (options.KeyGrain == KeyGrain.Partial)
            keys = ReferenceAttention.ComposeByPart(keys, Find(layer, "k_mix"), Find(layer, "k_rest_mix"));
        else if (options.ComposesKeys) keys = ReferenceAttention.Compose(keys, Get(layer, "k_mix"));
        var values = options.ValueGrain == ValueGrain.Dense
            ? [.. Enumerable.Range(0, options.Groups).Select(g => Project("v").matmul(Get(layer, "v_mix")[.., g]))]
            : ReferenceAttention.Heads(Project("v"), d);
        if (options.ComposesValues && options.ValueGrain == ValueGrain.Head)
            values = ReferenceAttention.Compose(values, Get(layer, "v_mix"));
        if (options.QueryKeyNorm)
        {
            queries = Normed(queries, Gamma(layer, "q_norm"), options);
            // Components that are fewer than the heads carry the norm's weight already.
            if (!(options.ComposesKeys && options.KeyComponents < options.Groups))
                keys = [.. keys.Zip(Gamma(layer, "k_norm"), (k, gamma) => k * gamma)];
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
            var gamma = Gamma(layer, "k_norm");
            keys = stack(Normed([.. keys.unbind(1).Zip(gamma, (k, g) => (k / g).masked_fill(g == 0, 0))], gamma,
                options), 1);
        }
        var kind = model.Options.RotaryKindOf(layer);
        var rotary = model.Options.RotaryOf(kind);
        Tensor Turned(Tensor heads, long i) => kind == RotaryKind.None ? heads[.., i] : ReferenceAttention.Rotate(
            heads[.., i], rotary.Base, model.Options.RotaryDims, rotary.Scaling?.Factor ?? 1);
        var growth = stack([.. Enumerable.Range(0, (int)x.shape[0]).Select(t => Number(1 + ((rotary.Scaling?.QueryGrowth
            ?? 0) * Math.Log(1 + Math.Floor((double)t / (rotary.Scaling?.OriginalContext ?? 1))))))]);  // [N,1]
        var repeats = options.Heads / options.Groups;
        var turned = Enumerable.Range(0, options.Groups).Select(g => Turned(keys, g)).ToArray();
        var outputs = Enumerable.Range(0, options.Heads).Select(i =>
        {
            var scores = (Turned(queries, i) * growth).matmul(turned[i / repeats].t())
                * Number(options.ScoreScale ?? 1 / Math.Sqrt(model.Options.HeadDim));
            if (options.ScoreCap is { } cap) scores = Number(cap) * (scores / Number(cap)).tanh();
            var output = Softmax(scores, options.SlidingWindow ?? int.MaxValue).matmul(values[.., i / repeats]);
            if (!options.HasHeadNorm) return output;
            var weight = Get(layer, "head_norm.weight");
            return ReferenceAttention.HeadNorm(output, weight.dim() == 1 ? weight : weight[i], options.HeadNormEpsilon);
        });
        return cat([.. outputs], 1)
            .matmul(Get(layer, "o_proj.weight").t()) + (Find(layer, "o_proj.bias") ?? zeros(1, ScalarType.Float64));
    }

    // The weights γ of each head's part of a norm.
    private Tensor[] Gamma(int layer, string norm)
    {
        var (options, d) = (model.Options.AttentionOf(layer), model.Options.HeadDim);
        var gamma = Get(layer, $"{norm}.weight") + Number(options.QueryKeyNormOffset);
        return [.. Enumerable.Range(0, norm == "q_norm" ? options.Heads : options.Groups)
            .Select(i => options.QueryKeyNormSpan == QueryKeyNormSpan.Head ? gamma : gamma.narrow(0, i * d, d))];
    }

    private static Tensor[] Normed(Tensor[] heads, Tensor[] gamma, AttentionOptions options)
    {
        if (options.QueryKeyNormSpan == QueryKeyNormSpan.Head)
            return [.. heads.Zip(gamma, (x, g) => ReferenceAttention.HeadNorm(x, g, options.QueryKeyNormEpsilon))];
        var whole = ReferenceAttention.HeadNorm(cat(heads, 1), cat(gamma), options.QueryKeyNormEpsilon);
        return ReferenceAttention.Heads(whole, heads[0].shape[1]);
    }

    private static Tensor Number(double value) => tensor(new[] { value });

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
