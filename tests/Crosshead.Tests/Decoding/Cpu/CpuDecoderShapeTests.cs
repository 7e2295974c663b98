using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Tests.Generation;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>
/// The vector kernels against the tensor operators: every kind of kept keys with every kind of kept values, each with
/// and without norms, biases and windows; layers that differ; and what families of models have besides.
/// </summary>
public sealed class CpuDecoderShapeTests
{
    public CpuDecoderShapeTests() => CpuKernels.Require();

    private const int Context = 90; // two blocks of positions, and windows that begin in the second

    private static readonly AttentionOptions Plain = new() { Heads = 6, KeyValueHeads = 3, HeadDim = 10 };

    private static readonly Dictionary<string, AttentionOptions> Keys = new()
    {
        ["whole"] = Plain,
        ["composed"] = Plain with { KeyComponents = 4 },
        ["head"] = Plain with { KeyComponents = 2 },
        ["frequency"] = Plain with { KeyGrain = KeyGrain.Frequency, KeyComponents = 2 },
        ["partial"] = Plain with { KeyGrain = KeyGrain.Partial, KeyComponents = 2 },
        ["frequency, one"] = Plain with { KeyGrain = KeyGrain.Frequency, KeyComponents = 1 },
    };

    private static readonly Dictionary<string, AttentionOptions> Values = new()
    {
        ["whole"] = Plain,
        ["composed"] = Plain with { ValueComponents = 3 },
        ["head"] = Plain with { ValueComponents = 2 },
        ["dense"] = Plain with { ValueGrain = ValueGrain.Dense, ValueRank = 17 },
        ["dense, composed"] = Plain with { ValueGrain = ValueGrain.Dense, ValueRank = 31 },
    };

    private static readonly ModelOptions Llama = TinyModels.Options(Plain) with { Context = Context };

    private static readonly VirtualHeads Half =
        new() { KeyGrain = KeyGrain.Frequency, KeyComponents = 2, ValueGrain = ValueGrain.Dense, ValueRank = 13 };

    private static readonly Dictionary<string, ModelOptions> Models = new()
    {
        ["layers differ"] = Llama with
        {
            Layers = 4,
            VirtualHeads = [null, Half, new() { ValueRank = 20 }, new() { KeyComponents = 1 }],
        },
        ["windows in some layers"] = Llama with
        {
            Layers = 3,
            Attention = Plain with { SlidingWindow = 20 },
            FullAttentionLayers = [1],
            VirtualHeads = [null, Half, Half],
        },
        ["windows of talking heads"] =
            Llama with { Attention = Plain with { Variant = AttentionVariant.TalkingHeads, SlidingWindow = 70 } },
        ["scaled frequencies"] = Llama with
        {
            RopeScaling = new RopeScaling { Kind = RopeScalingKind.Yarn, Factor = 4, OriginalContext = 24 },
            VirtualHeads = [Half, Half],
        },
        ["heads composed while they are read"] = Llama with
        {
            // Wide enough to be composed, and two heads a key/value head, so that four tokens of a prompt and one of
            // a step are multiplied by different kernels.
            Attention = new AttentionOptions { Heads = 12, KeyValueHeads = 4, HeadDim = 16 },
            VirtualHeads = [new() { KeyComponents = 2, ValueRank = 32 }, new() { KeyComponents = 3, ValueRank = 48 },
                new() { KeyComponents = 1, ValueRank = 16 }, new() { ValueRank = 32 }],
            Layers = 4,
        },
        ["heads kept for rounded queries"] = Llama with
        {
            Layers = 3,
            Attention = new AttentionOptions { Heads = 16, KeyValueHeads = 4, HeadDim = 16 },
            VirtualHeads = [new() { KeyComponents = 2, ValueRank = 32 }, new() { KeyComponents = 2 },
                new() { ValueRank = 32 }],
        },
        ["composed keys with norms"] = Llama with
        {
            Attention = new AttentionOptions
            {
                Heads = 8,
                KeyValueHeads = 2,
                HeadDim = 32,
                SlidingWindow = 40,
                QueryKeyNorm = true,
            },
            VirtualHeads = [new() { KeyComponents = 1, ValueRank = 32 }, new() { KeyComponents = 1 }],
        },
        ["biases everywhere"] =
            Llama with { FeedForwardBias = true, Attention = Plain with { ProjectionBias = true, OutputBias = true } },
        ["experts"] = Llama with
        {
            Layers = 3,
            Experts = new ExpertOptions { Count = 5, PerToken = 2, InnerSize = 18, DenseLayers = [1] },
        },
        ["sinks and windows"] = Llama with
        {
            Attention = Plain with { Sinks = true, SlidingWindow = 20 },
            FullAttentionLayers = [1],
            VirtualHeads = [null, Half],
        },
        ["experts in groups, biased choice, shared"] = Llama with
        {
            Layers = 3,
            Experts = new ExpertOptions
            {
                Count = 12,
                PerToken = 3,
                InnerSize = 18,
                Scoring = ExpertScoring.Sigmoid,
                ChoiceBias = true,
                Groups = 4,
                GroupsPerToken = 2,
                WeightFactor = 2.5,
                Shared = 2,
                DenseLayers = [0],
            },
        },
        ["experts with biases and clamped gates"] = Llama with
        {
            Experts = new ExpertOptions
            {
                Count = 5,
                PerToken = 2,
                InnerSize = 18,
                RouterBias = true,
                Bias = true,
                SwiGluLimit = 0.4,
                Renormalize = false,
                ChoiceBias = true,
            },
        },
        ["experts, not renormalised"] = Llama with
        {
            Experts = new ExpertOptions { Count = 4, PerToken = 3, InnerSize = 40, Renormalize = false },
            VirtualHeads = [Half, Half],
        },
    };

    public static TheoryData<string, string> Parts => [.. Keys.Keys.SelectMany(k => Values.Keys.Select(v => (k, v)))];

    public static TheoryData<string> Names => [.. Models.Keys];

    [Theory, MemberData(nameof(Parts))]
    public void Every_kept_key_and_value_equals_the_tensor_path(string key, string value)
    {
        for (var extras = 0; extras < 8; extras++)
        {
            var options = Join(Keys[key], Values[value]) with
            {
                QueryKeyNorm = (extras & 1) != 0,
                ProjectionBias = (extras & 2) != 0,
                OutputBias = (extras & 2) != 0,
                SlidingWindow = (extras & 4) != 0 ? 19 : null,
            };
            using var model = TinyModels.Create(
                Llama with { Attention = options, RotaryDims = options.KeyGrain == KeyGrain.Partial ? 4 : null });
            Compare(model);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_family_equals_the_tensor_path(string name)
    {
        using var model = TinyModels.Create(Models[name]);
        Compare(model, narrow: Models[name].Experts is null); // rounding may choose another expert
    }

    [Fact]
    public void A_norm_that_ignores_a_pair_of_the_keys_does_so_in_components_too()
    {
        using var model = TinyModels.Create(
            Llama with { Attention = Join(Keys["frequency"], Values["dense"]) with { QueryKeyNorm = true } });
        // Components carry the norm's weight, so they have nothing of the pair either.
        using (no_grad())
        using (NewDisposeScope())
        {
            foreach (var parameter in model.Parameters)
            {
                var features = parameter.Name.EndsWith("k_norm.weight", StringComparison.Ordinal) ? parameter.Value
                    : parameter.Name.EndsWith("k_proj.weight", StringComparison.Ordinal)
                    ? parameter.Value.view(-1, 10, 20).transpose(0, 1) : null;
                features?[3].zero_();
                features?[8].zero_();
            }
        }
        Compare(model);
    }

    [Fact]
    public void Queries_of_kept_heads_are_rounded_unless_activations_are_float32()
    {
        using var model = TinyModels.Create(Models["heads kept for rounded queries"]);
        var (ids, cache) = (TinyModels.Ids(Context, 2), new CacheOptions { Type = CacheType.BFloat16 });
        float[][] logits = [.. new[] { ActivationTypes.Usual, ActivationType.Float32 }.Select(activations =>
        {
            using var weights = new CpuWeights(model, activations: activations);
            Assert.All(weights.Layers, layer => Assert.True(layer.Attention.RoundsVectors));
            using var decoder = new CpuDecoder(weights, 1, Context, cache: cache);
            var batch = new DecodeBatch(decoder);
            batch.Prefill([ids], Context, TestContext.Current.CancellationToken);
            return batch.Logits(0).ToArray();
        })];
        Assert.InRange(TinyModels.RelativeError(logits[0], logits[1]), 1e-6, 0.03);
    }

    private static AttentionOptions Join(AttentionOptions keys, AttentionOptions values)
    {
        var (composesKeys, composesValues) = (keys.KeyComponents is not null,
            (values.ValueComponents ?? values.ValueRank) is not null);
        if (!composesKeys && !composesValues) return Plain;
        return keys with
        {
            Variant = AttentionVariant.MeaNoNorm,
            MixStart = MixStart.Normal,
            Compose = !composesKeys ? ComposedParts.Values : !composesValues ? ComposedParts.Keys : ComposedParts.Both,
            ValueComponents = values.ValueComponents,
            ValueGrain = values.ValueGrain,
            ValueRank = values.ValueRank,
        };
    }

    // Three prompts of unequal lengths, in chunks and on several threads, then step by step; the last steps against
    // whole sequences without a cache. In bfloat16 the weights are first made numbers of that precision.
    private static void Compare(LanguageModel model, bool narrow = true)
    {
        foreach (var (type, tolerance, chunk, threads) in new[]
        {
            (ScalarType.Float32, 2e-5, 512, 2), (ScalarType.Float32, 2e-5, 5, 1), (ScalarType.BFloat16, 0.06, 512, 1),
        })
        {
            if (type == ScalarType.BFloat16)
            {
                if (!narrow) continue;
                model.Freeze(ScalarType.BFloat16);
                model.Freeze(ScalarType.Float32);
            }
            int[][] sequences = [TinyModels.Ids(40, 1), TinyModels.Ids(Context, 2), TinyModels.Ids(9, 3)];
            var expected = sequences.Select(s => TinyModels.Reference(model, s)).ToArray();
            using var weights = new CpuWeights(model, type);
            using var decoder = new CpuDecoder(weights, sequences.Length, Context, threads);
            var batch = new DecodeBatch(decoder);
            batch.Prefill([.. sequences.Select(s => s[..^3])], chunk, TestContext.Current.CancellationToken);
            for (var step = 3; ; step--)
            {
                for (var s = 0; s < sequences.Length; s++)
                    Assert.InRange(TinyModels.RelativeError(batch.Logits(s), expected[s][^(step + 1)]), 0, tolerance);
                if (step == 0) break;
                batch.Step([.. sequences.Select(s => s[^step])]);
            }
            var perToken = model.CacheBytesPerToken * (type == ScalarType.BFloat16 ? 2 : 4) / 4;
            Assert.Equal(perToken, weights.CacheBytesPerToken(CacheFormat.Of(type)));
            Assert.Equal(sequences.Sum(s => s.Length) * perToken, decoder.Cache.Bytes);
        }
    }
}
