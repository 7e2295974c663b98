using System.Text.Json.Nodes;
using Crosshead.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Transformers;

/// <summary>
/// Computes logits from the files of a folder for Transformers as its Python code does: from its keys and tensors
/// alone, from components as the cache keeps them. Models with blocks like Llama's and one kind of rotation.
/// </summary>
internal sealed class ExportedReference : IDisposable
{
    private readonly JsonObject _config, _attention;
    private readonly SafetensorsReader _weights;
    private readonly int _g, _d;

    public ExportedReference(string folder)
    {
        _config = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        _attention = (JsonObject)_config["attention"]!;
        _weights = SafetensorsReader.Open(Path.Combine(folder, "model.safetensors"));
        (_g, _d) = ((int)_config["num_key_value_heads"]!, (int)_config["head_dim"]!);
    }

    public void Dispose() => _weights.Dispose();

    /// <summary>Numbers that a token keeps in the caches of all layers.</summary>
    public long Cached { get; private set; }

    /// <summary>Logits [N, V] of tokens.</summary>
    public Tensor Logits(long[] ids)
    {
        Cached = 0;
        var x = W("model.embed_tokens.weight")[tensor(ids)];
        for (var i = 0; i < (int)_config["num_hidden_layers"]!; i++)
        {
            var p = $"model.layers.{i}.";
            x = x + Attend(Norm(x, W(p + "input_layernorm.weight"), (double)_config["rms_norm_eps"]!), i,
                p + "self_attn.");
            var y = Norm(x, W(p + "post_attention_layernorm.weight"), (double)_config["rms_norm_eps"]!);
            x = x + (nn.functional.silu(y.matmul(W(p + "mlp.gate_proj.weight").t()))
                * y.matmul(W(p + "mlp.up_proj.weight").t())).matmul(W(p + "mlp.down_proj.weight").t());
        }
        return Norm(x, W("model.norm.weight"), (double)_config["rms_norm_eps"]!).matmul(W("lm_head.weight").t());
    }

    private Tensor Attend(Tensor x, int layer, string p)
    {
        var variant = (string)_attention["variant"]!;
        var (count, differs) = (x.shape[0], variant == "differential");
        Tensor Heads(string name)
        {
            var rows = x.matmul(W($"{p}{name}.weight").t());
            return Has($"{p}{name}.bias") ? rows + W($"{p}{name}.bias") : rows;
        }
        var (query, key, value) = (Heads("q_proj"), Heads("k_proj"), Heads("v_proj")); // [N,·]
        var norms = Has(p + "k_norm.weight");
        var eps = (double)_attention["queryKeyNormEpsilon"]!;
        query = query.view(count, -1, _d);
        if (norms) query = Norm(query, W(p + "q_norm.weight"), eps);
        query = Rotated(query);
        var (fewKeys, fewValues) = (key.shape[1] < _g * _d, value.shape[1] < _g * _d);
        var keys = key.view(count, -1, _d);
        var composed = Has(p + "k_mix") ? ComposedKeys(keys, W(p + "k_mix"), Rest(p)) : keys;         // [N,g,d]
        Tensor? factors = null;
        if (norms && fewKeys)
            factors = (composed / W(p + "k_norm.weight")).square().mean([2]).add(eps).rsqrt();           // [N,g]
        else if (norms) composed = Norm(composed, W(p + "k_norm.weight"), eps);
        var rows = Rotated(fewKeys ? keys : composed);                                                // [T,c or g,d]
        Cached += rows.NumberOfElements / count + (factors is null ? 0 : _g);

        var repeats = query.shape[1] / _g;
        var seen = ones(count, count, ScalarType.Bool).tril();
        if (_attention["slidingWindow"] is { } window) seen = seen.triu(1 - (int)window);
        Cached += fewValues ? value.shape[1] : _g * _d;
        var mix = Has(p + "v_mix") ? W(p + "v_mix") : null;
        var wholeValues = mix is null || fewValues ? value.view(count, -1, fewValues ? value.shape[1] : _d)
            : einsum("ncd,cg->ngd", value.view(count, -1, _d), mix);
        var heads = new List<Tensor>();
        for (var i = 0; i < query.shape[1]; i++)
        {
            var group = differs ? (i / 2 / (int)repeats * 2) + (i % 2) : i / (int)repeats;
            Tensor scores;
            if (!fewKeys) scores = query[TensorIndex.Colon, i].matmul(rows[TensorIndex.Colon, group].t());
            else scores = Mixed(query[TensorIndex.Colon, i], W(p + "k_mix").select(1, group), Rest(p)?.select(2, group))
                    .matmul(rows.flatten(1).t());
            scores = scores / Math.Sqrt(_d);
            if (factors is not null) scores = scores * factors[TensorIndex.Colon, group];
            var weights = scores.masked_fill(seen.logical_not(), double.NegativeInfinity).softmax(-1);   // [N,T]
            if (differs)
            {
                var pair = wholeValues.narrow(1, group / 2 * 2, 2).flatten(1);
                heads.Add(weights.matmul(pair));
                continue;
            }
            var sum = weights.matmul(fewValues ? value : wholeValues[TensorIndex.Colon, group]);
            if (fewValues) sum = mix!.dim() == 3 ? sum.matmul(mix.select(1, group))
                : einsum("ncd,c->nd", sum.view(count, -1, _d), mix.select(1, group));
            heads.Add(sum);
        }
        var all = differs ? Differences(heads, layer, p) : stack(heads, 1);                          // [N,h,d]
        if (Has(p + "head_norm.weight"))
            all = Norm(all, W(p + "head_norm.weight"), (double)_attention["headNormEpsilon"]!);
        if (differs) all = all * (1 - Start(layer));
        var output = all.flatten(1).matmul(W(p + "o_proj.weight").t());
        return Has(p + "o_proj.bias") ? output + W(p + "o_proj.bias") : output;
    }

    private Tensor Differences(List<Tensor> maps, int layer, string p)
    {
        double Part(string name) => Math.Exp(W($"{p}lambda_q{name}").mul(W($"{p}lambda_k{name}")).sum().item<double>());
        var lambda = Part("1") - Part("2") + Start(layer);
        return stack(maps.Chunk(2).Select(m => m[0] - (m[1] * lambda)), 1);
    }

    private static double Start(int layer) => 0.8 - (0.6 * Math.Exp(-0.3 * layer));

    // The mix of what is not rotated, [c,u,g,u]; null where all is.
    private Tensor? Rest(string p)
    {
        if (!Has(p + "k_rest_mix")) return null;
        var mix = W(p + "k_rest_mix");
        return mix.view(-1, mix.shape[2], mix.shape[1], mix.shape[2]);
    }

    // The pairs that take a number a frequency, as first and second numbers, and the others side by side.
    private (Tensor A, Tensor B, Tensor Others) Parts(Tensor heads, long pairs)
    {
        var (a, b, others) = (heads.narrow(-1, 0, _d / 2), heads.narrow(-1, _d / 2, _d / 2), (_d / 2) - pairs);
        return (a.narrow(-1, 0, pairs), b.narrow(-1, 0, pairs),
            cat([a.narrow(-1, pairs, others), b.narrow(-1, pairs, others)], -1));
    }

    private static Tensor Joined(Tensor a, Tensor b, Tensor? others)
    {
        if (others is null) return cat([a, b], -1);
        var half = others.shape[^1] / 2;
        return cat([a, others.narrow(-1, 0, half), b, others.narrow(-1, half, half)], -1);
    }

    // [N,c,d] → [N,g,d]
    private Tensor ComposedKeys(Tensor keys, Tensor mix, Tensor? rest)
    {
        if (mix.dim() == 2) return einsum("ncd,cg->ngd", keys, mix);
        var (a, b, others) = Parts(keys, mix.shape[2]);
        var (real, imaginary) = (mix.select(3, 0), mix.select(3, 1));
        Tensor Product(Tensor x, Tensor m) => einsum("ncp,cgp->ngp", x, m);
        return Joined(Product(a, real) - Product(b, imaginary), Product(a, imaginary) + Product(b, real),
            rest is null ? null : einsum("ncu,cugv->ngv", others, rest));
    }

    // A query [N,d] for the components [N,c·d], by the mix of its group, [c] or [c,r/2,2], and of the rest [c,u,u].
    private Tensor Mixed(Tensor query, Tensor mix, Tensor? rest)
    {
        if (mix.dim() == 1) return einsum("nd,c->ncd", query, mix).flatten(1);
        var (a, b, others) = Parts(query.unsqueeze(1), mix.shape[1]);
        var (real, imaginary) = (mix.select(2, 0), mix.select(2, 1));
        return Joined((a * real) + (b * imaginary), (b * real) - (a * imaginary),
            rest is null ? null : einsum("nv,cuv->ncu", others.squeeze(1), rest)).flatten(1);
    }

    private Tensor Rotated(Tensor heads)
    {
        var rotary = _config["rotary"]!["usual"]!;
        double[] angles = [.. rotary["angles"]!.AsArray().Select(a => (double)a!)];
        var turned = nn.functional.pad(tensor(angles), [0, (_d / 2) - angles.Length]); // the rest stands still
        var turns = outer(arange(heads.shape[0], ScalarType.Float64), turned).unsqueeze(1);         // [N,1,d/2]
        var (cos, sin) = (turns.cos(), turns.sin());
        var (a, b) = (heads.narrow(2, 0, _d / 2), heads.narrow(2, _d / 2, _d / 2));
        return cat([(a * cos) - (b * sin), (b * cos) + (a * sin)], 2);
    }

    private static Tensor Norm(Tensor x, Tensor weight, double eps) =>
        x * x.square().mean([-1], keepdim: true).add(eps).rsqrt() * weight;

    private Tensor W(string name) => _weights.Read(name).to(ScalarType.Float64);

    private bool Has(string name) => _weights.Tensors.ContainsKey(name);
}
