using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention;

public sealed class AttentionTests
{
    private const int Width = 24, Length = 6;
    private const double Base = 100;

    public static TheoryData<string> Cases => [.. Options.Keys];

    // Head counts and component counts that divide, exceed and undercut each other.
    private static readonly Dictionary<string, AttentionOptions> Options = new()
    {
        ["mha"] = new() { Heads = 4 },
        ["gqa 6/2"] = new() { Heads = 6, KeyValueHeads = 2 },
        ["mqa 4/1, wide heads"] = new() { Heads = 4, KeyValueHeads = 1, HeadDim = 10 },
        ["groupnorm"] = new() { Variant = AttentionVariant.GroupNorm, Heads = 4, KeyValueHeads = 2 },
        ["groupnorm per head"] =
            new() { Variant = AttentionVariant.GroupNorm, Heads = 4, HeadNorm = HeadNormKind.PerHead },
        ["mea c = g"] = new() { Variant = AttentionVariant.Mea, Heads = 4 },
        ["mea c < g"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 6,
            KeyValueHeads = 3,
            KeyComponents = 2,
            ValueComponents = 1,
        },
        ["mea c > g"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            KeyValueHeads = 2,
            KeyComponents = 3,
            ValueComponents = 5,
        },
        ["mea keys"] =
            new() { Variant = AttentionVariant.Mea, Heads = 4, Compose = ComposedParts.Keys, KeyComponents = 2 },
        ["mea values"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            Compose = ComposedParts.Values,
            ValueComponents = 2,
            HeadNorm = HeadNormKind.PerHead,
        },
        ["mea without its norm"] = new() { Variant = AttentionVariant.Mea, Heads = 4, HeadNorm = HeadNormKind.None },
        ["mea-no-norm"] =
            new() { Variant = AttentionVariant.MeaNoNorm, Heads = 6, KeyValueHeads = 2, MixStart = MixStart.Normal },
        ["biases"] = new() { Heads = 4, KeyValueHeads = 2, ProjectionBias = true, OutputBias = true },
        ["query-key norm"] = new() { Heads = 4, KeyValueHeads = 2, QueryKeyNorm = true },
        ["mea c < g, biases"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 6,
            KeyValueHeads = 3,
            KeyComponents = 2,
            ValueComponents = 2,
            ProjectionBias = true,
        },
        ["frequency keys"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 6,
            KeyValueHeads = 3,
            Compose = ComposedParts.Keys,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ProjectionBias = true,
        },
        ["dense values"] = new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 6,
            KeyValueHeads = 3,
            Compose = ComposedParts.Values,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 7,
            ProjectionBias = true,
        },
        ["frequency and dense, query-key norm"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 6,
            KeyValueHeads = 3,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 1,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 5,
            QueryKeyNorm = true,
        },
        ["head grain, query-key norm"] = new()
        {
            Variant = AttentionVariant.MeaNoNorm,
            Heads = 6,
            KeyValueHeads = 3,
            KeyComponents = 2,
            ValueComponents = 2,
            QueryKeyNorm = true,
        },
        ["talking-heads"] = new() { Variant = AttentionVariant.TalkingHeads, Heads = 4 },
        ["talking-heads 4/2"] = new() { Variant = AttentionVariant.TalkingHeads, Heads = 4, KeyValueHeads = 2 },
        ["differential"] = new() { Variant = AttentionVariant.Differential, Heads = 4 },
        ["differential 12/4"] =
            new() { Variant = AttentionVariant.Differential, Heads = 12, KeyValueHeads = 4, HeadDim = 4 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_the_plain_reference(string name)
    {
        using var scope = NewDisposeScope();
        using var layer = new Layer(Options[name], seed: 3);
        var x = layer.RandomInput();
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x), layer.Reference(x)) < 1e-11);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_equal_finite_differences(string name)
    {
        using var scope = NewDisposeScope();
        using var layer = new Layer(Options[name], seed: 5);
        var x = layer.RandomInput();
        var probe = randn_like(x);
        (layer.Forward(x) * probe).sum().backward();
        using var grad = no_grad();
        foreach (var parameter in layer.Parameters)
        {
            var value = parameter.Value.view(-1);
            var index = value.shape[0] / 2;
            var start = value[index].item<double>();
            double At(double v)
            {
                value[index] = v;
                return (layer.Forward(x) * probe).sum().item<double>();
            }
            var slope = (At(start + 1e-5) - At(start - 1e-5)) / 2e-5;
            value[index] = start;
            var gradient = parameter.Value.grad!.view(-1)[index].item<double>();
            Assert.True(Math.Abs(slope - gradient) <= 1e-6 * (1 + Math.Abs(slope)),
                $"{parameter.Name}: {slope} by differences, {gradient} by backward");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Does_not_look_into_the_future(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new Layer(Options[name], seed: 7);
        var x = layer.RandomInput();
        var before = layer.Forward(x);
        x[0, Length - 1] += 1;
        var after = layer.Forward(x);
        Assert.Equal(0, (before - after)[0, ..(Length - 1)].abs().max().item<double>());
        Assert.NotEqual(0, (before - after)[0, Length - 1].abs().max().item<double>());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Leaves_no_tensors_behind(string name) => TensorLeaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var layer = new Layer(Options[name], seed: 1);
        layer.Forward(layer.RandomInput()).sum().backward();
    });

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_frozen_layer_computes_the_same_and_decodes_the_same(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new Layer(Options[name], seed: 11);
        var x = layer.RandomInput();
        var (whole, decoded) = (layer.Forward(x), layer.Decode(layer.Attention, x));
        Assert.True(TensorLeaks.RelativeError(decoded, whole) < 1e-11);
        using var frozen = layer.Attention.Freeze();
        Assert.Equal(layer.Attention.CacheLayout, frozen.CacheLayout);
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x, frozen), whole) < 1e-14);
        Assert.True(TensorLeaks.RelativeError(layer.Decode(frozen, x), decoded) < 1e-14);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_frozen_layer_freezes_again_from_the_parameters_as_they_are(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new Layer(Options[name], seed: 13);
        var x = layer.RandomInput();
        var before = layer.Forward(x);
        var first = layer.Attention.Freeze();
        foreach (var parameter in layer.Parameters) parameter.Value.mul_(1.1);
        using var second = first.Freeze();
        first.Dispose();
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x, second), layer.Forward(x)) < 1e-14);
        Assert.True(TensorLeaks.RelativeError(layer.Forward(x, second), before) > 1e-3);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Freezing_leaves_no_tensors_behind(string name) => TensorLeaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new Layer(Options[name], seed: 1);
        using var frozen = layer.Attention.Freeze();
        layer.Decode(frozen, layer.RandomInput());
        layer.Decode(layer.Attention, layer.RandomInput());
    });

    [Fact]
    public void Mea_with_identity_mixes_and_no_norm_is_plain_attention()
    {
        using var scope = NewDisposeScope();
        using var plain = new Layer(new() { Heads = 4, KeyValueHeads = 2 }, seed: 2, asInitialized: true);
        using var mea = new Layer(new() { Variant = AttentionVariant.MeaNoNorm, Heads = 4, KeyValueHeads = 2 }, seed: 2,
            asInitialized: true);
        var x = plain.RandomInput();
        using (no_grad())
            foreach (var p in plain.Parameters) mea.Parameters.Single(m => m.Name == p.Name).Value.copy_(p.Value);
        Assert.True(TensorLeaks.RelativeError(mea.Forward(x), plain.Forward(x)) < 1e-12);
    }

    [Fact]
    public void Talking_heads_refuses_scores_that_would_not_fit()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var layer = new Layer(new() { Variant = AttentionVariant.TalkingHeads, Heads = 4, HeadDim = 2 }, seed: 1);
        using var rotary = new RotaryEmbedding(2, 20000, Base, ScalarType.Float64, CPU);
        var (cos, sin) = rotary.Rows(0, 20000);
        var error = Assert.Throws<CrossheadException>(() =>
            layer.Attention.Forward(zeros([1, 20000, Width], ScalarType.Float64), new TokenView(cos, sin, null, true)));
        Assert.Contains("shorten the context", error.Message);
    }

    public static TheoryData<string, AttentionOptions> BadOptions => new()
    {
        { "heads (12) must be a multiple of keyValueHeads (5); use 1, 2, 3, 4, 6 or 12.",
            new() { Heads = 12, KeyValueHeads = 5 } },
        { "heads (5040) must be a multiple of keyValueHeads (11); use 6, 7, 8, 9, 10, 12, 14 or 15.",
            new() { Heads = 5040, KeyValueHeads = 11 } },
        { "heads (7) must be a multiple of keyValueHeads (9); use 1 or 7.", new() { Heads = 7, KeyValueHeads = 9 } },
        { "heads (2147483647) must be at most 16384 and at least 1.",
            new() { Heads = int.MaxValue, KeyValueHeads = 2 } },
        { "headDim (2147483646) must be at most 65536 and at least 2.", new() { HeadDim = int.MaxValue - 1 } },
        { "keyComponents (20000) must be at most 16384 and at least 1.",
            new() { Variant = AttentionVariant.Mea, Heads = 4, KeyComponents = 20_000 } },
        { "variant (99) is unknown; known: ", new() { Variant = (AttentionVariant)99 } },
        { "headNorm (-1) is unknown; known: ", new() { HeadNorm = (HeadNormKind)(-1) } },
        { "heads (0) must be at least 1 and at most 16384.", new() { Heads = 0 } },
        { "keyValueHeads (-1) must be at least 1.", new() { Heads = 4, KeyValueHeads = -1 } },
        { "headDim (7) must be even", new() { Heads = 4, HeadDim = 7 } },
        { "hiddenSize (24) must be a multiple of heads (5); use 25", new() { Heads = 5 } },
        { "differential attention pairs heads",
            new() { Variant = AttentionVariant.Differential, Heads = 6, KeyValueHeads = 3 } },
        { "keyComponents and valueComponents (2) belong to", new() { Heads = 4, KeyComponents = 2 } },
        { "valueComponents is set, but compose leaves the values alone",
            new() { Variant = AttentionVariant.Mea, Heads = 4, Compose = ComposedParts.Keys, ValueComponents = 2 } },
        { "keyComponents (0) must be at least 1 and at most 16384.",
            new() { Variant = AttentionVariant.Mea, Heads = 4, KeyComponents = 0 } },
        { "keyGrain frequency needs keys composed of fewer components than heads; set keyComponents to at most 3",
            new() { Variant = AttentionVariant.Mea, Heads = 4, KeyGrain = KeyGrain.Frequency } },
        { "valueGrain (dense) and valueRank (null) belong together",
            new() { Variant = AttentionVariant.Mea, Heads = 4, ValueGrain = ValueGrain.Dense } },
        { "valueGrain (head) and valueRank (5) belong together",
            new() { Variant = AttentionVariant.Mea, Heads = 4, ValueRank = 5 } },
        { "valueRank (0) must be at least 1",
            new() { Variant = AttentionVariant.Mea, Heads = 4, ValueGrain = ValueGrain.Dense, ValueRank = 0 } },
        { "valueRank (5) and valueComponents (2) are both set", new()
        {
            Variant = AttentionVariant.Mea,
            Heads = 4,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 5,
            ValueComponents = 2,
        } },
        { "queryKeyNorm is for the variants gqa and mea-no-norm, not for differential",
            new() { Variant = AttentionVariant.Differential, Heads = 4, QueryKeyNorm = true } },
        { "slidingWindow (0) must be at least 1", new() { Heads = 4, SlidingWindow = 0 } },
        { "slidingWindow is not supported for differential",
            new() { Variant = AttentionVariant.Differential, Heads = 4, SlidingWindow = 5 } },
        { "headNormEpsilon (0) must be more than 0", new() { HeadNormEpsilon = 0 } },
        { "headNormStart (NaN) must be a finite number", new() { HeadNormStart = double.NaN } },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void Options_that_do_not_fit_never_reach_libtorch(string message, AttentionOptions options)
    {
        var error = Assert.Throws<CrossheadException>(
            () => AttentionFactory.Create(new ParameterScope(ScalarType.Float32, CPU), Width, options, 0));
        Assert.StartsWith(message, error.Message);
    }

    [Fact]
    public void An_unknown_variant_is_refused_with_a_suggestion() =>
        Assert.Contains("did you mean \"groupnorm\"?",
            Assert.Throws<CrossheadException>(() => AttentionVariants.Parse("groupnrom")).Message);

    /// <summary>One layer with random weights in float64 and its reference.</summary>
    private sealed class Layer : IDisposable
    {
        private readonly AttentionOptions _options;
        private readonly ParameterScope _scope = new(ScalarType.Float64, CPU);
        private readonly RotaryEmbedding _rotary;
        private readonly TokenView _span;

        public Layer(AttentionOptions options, long seed, bool asInitialized = false)
        {
            _options = options;
            Attention = AttentionFactory.Create(_scope, Width, options, layer: 2);
            _rotary = new RotaryEmbedding(options.HeadDimFor(Width), Length, Base, ScalarType.Float64, CPU);
            var (cos, sin) = _rotary.Rows(0, Length);
            _span = new TokenView(cos, sin, null, Causal: true);
            manual_seed(seed);
            using var generator = new Generator((ulong)seed);
            using var grad = no_grad();
            foreach (var p in _scope.Parameters)
            {
                if (asInitialized) p.Initialize(generator);
                else p.Value.normal_(0, p.Kind == ParameterKind.Matrix ? 0.3 : 0.6);
            }
        }

        public IAttention Attention { get; }

        public IReadOnlyList<Parameter> Parameters => _scope.Parameters;

        public Tensor RandomInput() => randn([2, Length, Width], ScalarType.Float64);

        public Tensor Forward(Tensor x) => Forward(x, Attention);

        public Tensor Forward(Tensor x, IAttention attention) => attention.Forward(x, _span);

        /// <summary>A prompt, then token by token from the cache.</summary>
        public Tensor Decode(IAttention attention, Tensor x)
        {
            using var cache = new KeyValueCache(attention.CacheLayout, x.shape[0], Length, ScalarType.Float64, CPU);
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
            foreach (var p in _scope.Parameters) p.Dispose();
        }

        private Tensor? Find(string name) => _scope.Parameters.SingleOrDefault(p => p.Name == name)?.Value;

        private Tensor this[string name] => _scope.Parameters.Single(p => p.Name == name).Value;

        private Tensor One(Tensor x) // [N,D]
        {
            long d = _options.HeadDimFor(Width), repeats = _options.Heads / _options.Groups;
            Tensor Project(string name) =>
                x.matmul(this[$"{name}_proj.weight"].t()) + (Find($"{name}_proj.bias") ?? zeros(1, ScalarType.Float64));
            var (queries, keys) = (ReferenceAttention.Heads(Project("q"), d),
                ReferenceAttention.Heads(Project("k"), d));
            if (_options.KeyGrain == KeyGrain.Frequency)
                keys = ReferenceAttention.ComposeByFrequency(keys, this["k_mix"]);
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
            queries = [.. queries.Select(q => ReferenceAttention.Rotate(q, Base))];
            keys = [.. keys.Select(k => ReferenceAttention.Rotate(k, Base))];
            var heads = _options.Variant switch
            {
                AttentionVariant.Differential => Differential(queries, keys, values, repeats, d),
                AttentionVariant.TalkingHeads => Talking(queries, keys, values, repeats, d),
                _ => [.. queries.Select((q, i) => Normed(i,
                    ReferenceAttention.CausalSoftmax(Scores(q, keys[i / repeats], d)).matmul(values[i / repeats])))],
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
}
