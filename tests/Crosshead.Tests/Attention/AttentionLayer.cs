using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention;

/// <summary>One layer with random weights in float64 and its reference.</summary>
internal sealed class AttentionLayer : IDisposable
{
    private readonly AttentionOptions _options;
    private readonly ParameterScope _scope = new(ScalarType.Float64, CPU);
    private readonly RotaryEmbedding _rotary;
    private readonly TokenView _span;
    private readonly Generator _random;

    public AttentionLayer(AttentionOptions options, long seed, bool asInitialized = false)
    {
        _options = options;
        Attention = AttentionFactory.Create(_scope, AttentionCases.Width, options, layer: 2);
        _rotary = new RotaryEmbedding(options.HeadDimFor(AttentionCases.Width), AttentionCases.Length,
            AttentionCases.Base, ScalarType.Float64, CPU, turned: options.Rotated);
        var (cos, sin) = _rotary.Rows(0, AttentionCases.Length);
        _span = new TokenView(cos, sin, null, Causal: true);
        _random = new Generator((ulong)seed);
        using var grad = no_grad();
        foreach (var p in _scope.Parameters)
        {
            if (asInitialized) p.Initialize(_random);
            else p.Value.normal_(0, p.Kind == ParameterKind.Matrix ? 0.3 : 0.6, _random);
        }
    }

    public IAttention Attention { get; }

    public IReadOnlyList<Parameter> Parameters => _scope.Parameters;

    public Tensor RandomInput() =>
        randn([2, AttentionCases.Length, AttentionCases.Width], ScalarType.Float64, generator: _random);

    public Tensor Forward(Tensor x) => Forward(x, Attention);

    public Tensor Forward(Tensor x, IAttention attention) => attention.Forward(x, _span);

    /// <summary>A prompt, then token by token from the cache.</summary>
    public Tensor Decode(IAttention attention, Tensor x)
    {
        using var cache = new KeyValueCache(attention.CacheLayout, x.shape[0], AttentionCases.Length,
            ScalarType.Float64, CPU);
        var outputs = new List<Tensor>();
        foreach (var (start, count) in new[] { (0, 3), (3, 1), (4, 1), (5, 1) })
        {
            var (cos, sin) = _rotary.Rows(start, count);
            var view = new TokenView(cos, sin, null, Causal: count > 1) { Place = new CachePlace(start) };
            outputs.Add(attention.Forward(x.narrow(1, start, count), view, cache));
        }
        return cat([.. outputs], 1);
    }

    public Tensor Reference(Tensor x)
    {
        using var grad = no_grad();
        return stack(x.unbind(0).Select(One));
    }

    public void Dispose()
    {
        Attention.Dispose();
        _rotary.Dispose();
        _random.Dispose();
        foreach (var p in _scope.Parameters) p.Dispose();
    }

    private Tensor? Find(string name) => _scope.Parameters.SingleOrDefault(p => p.Name == name)?.Value;

    private Tensor this[string name] => _scope.Parameters.Single(p => p.Name == name).Value;

    // Latent attention with all keys and values made, one head at a time.
    private Tensor Latent(Tensor x, LatentOptions options)
    {
        long rotated = _options.HeadDim!.Value, plain = options.PlainWidth, wide = options.ValueWidth;
        Tensor Apply(string name, Tensor input) =>
            input.matmul(this[$"{name}.weight"].t()) + (Find($"{name}.bias") ?? zeros(1, ScalarType.Float64));
        Tensor Norm(string name, Tensor input) =>
            ReferenceAttention.HeadNorm(input, this[$"{name}.weight"], options.NormEpsilon);
        Tensor Turned(Tensor part)
        {
            if (options.Interleaved)
                part = stack(Enumerable.Range(0, (int)rotated).Select(i =>
                    part[.., i < rotated / 2 ? 2 * i : (2 * (i - (rotated / 2))) + 1]), 1);
            return ReferenceAttention.Rotate(part, AttentionCases.Base);
        }
        var queries = options.QueryRank is null ? Apply("q_proj", x)
            : Apply("q_b_proj", Norm("q_a_layernorm", Apply("q_a_proj", x)));
        var both = Apply("kv_a_proj_with_mqa", x);
        var latent = Norm("kv_a_layernorm", both.narrow(1, 0, options.Rank));
        if (options.Components is not null) latent = Apply("kv_c_proj", latent);
        var made = Apply("kv_b_proj", latent);
        var shared = Turned(both.narrow(1, options.Rank, rotated));
        var heads = Enumerable.Range(0, _options.Heads).Select(i =>
        {
            var query = queries.narrow(1, i * (plain + rotated), plain + rotated);
            var own = made.narrow(1, i * (plain + wide), plain + wide);
            var scores = query.narrow(1, 0, plain).matmul(own.narrow(1, 0, plain).t())
                + Turned(query.narrow(1, plain, rotated)).matmul(shared.t());
            return ReferenceAttention.CausalSoftmax(scores / tensor(Math.Sqrt(plain + rotated)))
                .matmul(own.narrow(1, plain, wide));
        });
        return Apply("o_proj", cat([.. heads], 1));
    }

    private Tensor One(Tensor x) // [N,D]
    {
        if (_options.Latent is { } latent) return Latent(x, latent);
        long d = _options.HeadDimFor(AttentionCases.Width), repeats = _options.Heads / _options.Groups;
        Tensor Project(string name) =>
            x.matmul(this[$"{name}_proj.weight"].t()) + (Find($"{name}_proj.bias") ?? zeros(1, ScalarType.Float64));
        var (queries, keys) = (ReferenceAttention.Heads(Project("q"), d),
            ReferenceAttention.Heads(Project("k"), d));
        if (_options.KeyGrain == KeyGrain.Frequency)
            keys = ReferenceAttention.ComposeByFrequency(keys, this["k_mix"]);
        else if (_options.KeyGrain == KeyGrain.Partial)
            keys = ReferenceAttention.ComposeByPart(keys, Find("k_mix"), Find("k_rest_mix"));
        else if (_options.ComposesKeys) keys = ReferenceAttention.Compose(keys, this["k_mix"]);
        var values = _options.ValueGrain == ValueGrain.Dense
            ? [.. Enumerable.Range(0, _options.Groups).Select(g => Project("v").matmul(this["v_mix"][.., g]))]
            : ReferenceAttention.Heads(Project("v"), d);
        if (_options.ComposesValues && _options.ValueGrain == ValueGrain.Head)
            values = ReferenceAttention.Compose(values, this["v_mix"]);
        if (_options.QueryKeyNorm)
        {
            // Components carry the norm's weight: what they compose to is divided by it first.
            var carried = _options.ComposesKeys ? this["k_norm.weight"] : ones(1, ScalarType.Float64);
            queries = [.. queries.Select(
                q => ReferenceAttention.HeadNorm(q, this["q_norm.weight"], _options.QueryKeyNormEpsilon))];
            keys = [.. keys.Select(k =>
                ReferenceAttention.HeadNorm(k / carried, this["k_norm.weight"], _options.QueryKeyNormEpsilon))];
        }
        queries = [.. queries.Select(q => ReferenceAttention.Rotate(q, AttentionCases.Base, _options.Rotated))];
        keys = [.. keys.Select(k => ReferenceAttention.Rotate(k, AttentionCases.Base, _options.Rotated))];
        var heads = _options.Variant switch
        {
            AttentionVariant.Differential => Differential(queries, keys, values, repeats, d),
            AttentionVariant.TalkingHeads => Talking(queries, keys, values, repeats, d),
            _ => [.. queries.Select((q, i) => Normed(i, ReferenceAttention
                .CausalSoftmax(Scores(q, keys[i / repeats], d), Find("sinks")?[i]).matmul(values[i / repeats])))],
        };
        return cat(heads, 1)
            .matmul(this["o_proj.weight"].t()) + (Find("o_proj.bias") ?? zeros(1, ScalarType.Float64));
    }

    private static Tensor Scores(Tensor query, Tensor key, long d) => query.matmul(key.t()) / Math.Sqrt(d);

    private Tensor Normed(int head, Tensor output)
    {
        if (!_options.HasHeadNorm) return output;
        var weight = this["head_norm.weight"];
        return ReferenceAttention.HeadNorm(output, weight.dim() == 1 ? weight : weight[head],
            _options.HeadNormEpsilon);
    }

    private Tensor[] Talking(Tensor[] queries, Tensor[] keys, Tensor[] values, long repeats, long d)
    {
        var (logitMix, weightMix) = (this["logit_mix"], this["weight_mix"]);
        var scores = queries.Select((q, j) => Scores(q, keys[j / repeats], d)).ToArray();
        Tensor Mixed(Tensor mix, int i, Tensor[] maps) =>
            maps.Select((m, j) => m * mix[i, j]).Aggregate((a, b) => a + b);
        var weights = scores.Select((_, i) => ReferenceAttention.CausalSoftmax(Mixed(logitMix, i, scores)))
            .ToArray();
        return [.. queries.Select((_, i) => Mixed(weightMix, i, weights).matmul(values[i / repeats]))];
    }

    private Tensor[] Differential(Tensor[] queries, Tensor[] keys, Tensor[] values, long repeats, long d)
    {
        var start = 0.8 - (0.6 * Math.Exp(-0.3 * 2));
        var lambda = (this["lambda_q1"] * this["lambda_k1"]).sum().exp() - (this["lambda_q2"] * this["lambda_k2"])
            .sum().exp() + start;
        return [.. Enumerable.Range(0, queries.Length / 2).Select(i =>
        {
            var pair = 2 * (i / repeats);
            var first = ReferenceAttention.CausalSoftmax(Scores(queries[2 * i], keys[pair], d));
            var second = ReferenceAttention.CausalSoftmax(Scores(queries[(2 * i) + 1], keys[pair + 1], d));
            var output = (first - (lambda * second)).matmul(cat([values[pair], values[pair + 1]], 1));
            return ReferenceAttention.HeadNorm(output, this["head_norm.weight"],
                _options.HeadNormEpsilon) * (1 - start);
        })];
    }
}
