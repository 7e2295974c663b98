using Crosshead.Attention;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Layers;
using Crosshead.Model;
using static Crosshead.Tests.Checkpoints.Gguf.GgufReaderTests;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufModelTests : IDisposable
{
    private static readonly ModelOptions s_llama = new()
    {
        VocabularySize = 40,
        HiddenSize = 16,
        Layers = 2,
        FeedForwardSize = 24,
        Context = 64,
        Attention = new() { Heads = 4, KeyValueHeads = 2, HeadDim = 8 },
    };

    private static readonly Dictionary<string, ModelOptions> s_plain = new()
    {
        ["llama"] = s_llama,
        ["llama, biases"] = s_llama with
        {
            FeedForwardBias = true,
            Attention = s_llama.Attention with { ProjectionBias = true, OutputBias = true },
        },
        ["mistral"] = s_llama with
        {
            Family = ModelFamily.Mistral,
            Attention = s_llama.Attention with { SlidingWindow = 64 },
        },
        ["qwen2"] = s_llama with
        {
            Family = ModelFamily.Qwen2,
            TieEmbeddings = true,
            Attention = s_llama.Attention with { ProjectionBias = true },
        },
        ["qwen3"] = Qwen3(ModelFamily.Qwen3),
        ["qwen3moe"] = Qwen3(ModelFamily.Qwen3Moe) with
        {
            Experts = new() { Count = 12, PerToken = 3, InnerSize = 8 },
        },
    };

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Plain => [.. s_plain.Keys];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Plain))]
    public void Each_weight_is_where_the_format_has_it(string name)
    {
        using var model = Model(s_plain[name]);
        using var file = Written(model, ScalarType.Float32);
        var expected = new Dictionary<string, float[]>();
        foreach (var parameter in model.Parameters)
        {
            var (target, order) = Expected(parameter.Name, model.Options);
            var values = Rows(parameter.Value, order);
            expected[target] = expected.TryGetValue(target, out var before) ? [.. before, .. values] : values;
        }
        Assert.Equal(expected.Keys.Order(), file.Tensors.Keys.Order());
        foreach (var (tensor, values) in expected)
        {
            var read = new float[file.Tensors[tensor].Elements];
            file.Read(tensor, 0, read);
            Assert.Equal(values, read);
        }
    }

    [Fact]
    public void The_keys_describe_the_shape()
    {
        using var model = Model(s_plain["qwen3moe"] with { RopeBase = 1e6, NormEpsilon = 1e-6 });
        using var file = Written(model, ScalarType.Float16);
        var (keys, a) = (file.Metadata, "qwen3moe.");
        Assert.Equal(("qwen3moe", "tiny", 1), (keys.Text("general.architecture"), keys.Text("general.name"),
            keys.Integer("general.file_type")));
        Assert.Equal([64, 16, 2, 24, 4, 2, 8, 8, 8, 40, 12, 3, 8], new[]
        {
            "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count",
            "attention.head_count_kv", "attention.key_length", "attention.value_length", "rope.dimension_count",
            "vocab_size", "expert_count", "expert_used_count", "expert_feed_forward_length",
        }.Select(key => keys.Integer(a + key)!.Value));
        Assert.Equal((1e6f, 1e-6f), (keys.Number(a + "rope.freq_base"),
            keys.Number(a + "attention.layer_norm_rms_epsilon")));
        Assert.Equal("no_vocab", keys.Text("tokenizer.ggml.model"));
        Assert.Equal([12, 8, 16], file.Tensors["blk.1.ffn_gate_exps.weight"].Shape);
        Assert.Equal([12, 16, 8], file.Tensors["blk.1.ffn_down_exps.weight"].Shape);
        Assert.Equal(["F16", "F32", "F32"], new[] { "blk.0.ffn_up_exps", "blk.0.ffn_gate_inp", "blk.0.attn_q_norm" }
            .Select(tensor => file.Tensors[tensor + ".weight"].Type.Name));
    }

    [Fact]
    public void Each_scaling_of_positions_is_written()
    {
        var scaling = new RopeScaling { Kind = RopeScalingKind.Linear, Factor = 4 };
        using (var linear = Model(s_llama with { RopeScaling = scaling }))
        using (var file = Written(linear, ScalarType.BFloat16))
        {
            Assert.Equal(("linear", 4.0), (file.Metadata.Text("llama.rope.scaling.type"),
                file.Metadata.Number("llama.rope.scaling.factor")));
            Assert.Equal("BF16", file.Tensors["output.weight"].Type.Name);
        }
        using (var yarn = Model(s_llama with
        {
            RopeScaling = scaling with { Kind = RopeScalingKind.Yarn, OriginalContext = 16 },
        }))
        using (var file = Written(yarn, ScalarType.Float32))
            Assert.Equal(("yarn", 16), (file.Metadata.Text("llama.rope.scaling.type"),
                file.Metadata.Integer("llama.rope.scaling.original_context_length")));
        using var llama3 = Model(s_llama with
        {
            RopeScaling = scaling with { Kind = RopeScalingKind.Llama3, OriginalContext = 64 },
        });
        using var factors = Written(llama3, ScalarType.Float16);
        Assert.False(factors.Metadata.Has("llama.rope.scaling.type"));
        var divisors = new float[4];
        factors.Read("rope_freqs.weight", 0, divisors);
        // Turns of the pairs within 64 tokens: 10.2, 1.02, 0.10, 0.01; as they are above 4, divided by 4 below 1.
        Assert.Equal(1, divisors[0]);
        Assert.InRange(divisors[1], 3.9, 4);
        Assert.Equal([4f, 4f], divisors[2..]);
    }

    [Fact]
    public void A_model_that_the_format_cannot_express_is_refused_in_one_line()
    {
        void Cannot(string what, ModelOptions options) =>
            Refused($"has no place for {what}", () => GgufModel.Require(options, _folder.Path));
        var qwen3 = s_plain["qwen3"];
        Cannot("the variant mea-no-norm", s_llama with
        {
            Attention = s_llama.Attention with { Variant = AttentionVariant.MeaNoNorm },
        });
        Cannot("a cache of component heads", s_llama with
        {
            VirtualHeads = [null, new VirtualHeads { KeyComponents = 1 }],
        });
        Cannot("a sliding window (8 tokens)", s_plain["mistral"] with
        {
            Attention = s_llama.Attention with { SlidingWindow = 8 },
        });
        Cannot("queries and keys with norms", s_llama with { Attention = qwen3.Attention });
        Cannot("queries and keys without norms", qwen3 with { Attention = s_llama.Attention });
        Cannot("queries, keys and values without biases", s_llama with { Family = ModelFamily.Qwen2 });
        Cannot("feed-forward layers with biases", qwen3 with { FeedForwardBias = true });
        Cannot("an output projection with a bias", qwen3 with
        {
            Attention = qwen3.Attention with { OutputBias = true },
        });
        Cannot("an epsilon of the norms of queries and keys (1E-06)", qwen3 with { NormEpsilon = 1e-5 });
        Cannot("experts", qwen3 with { Experts = new() });
        Cannot("layers without experts", s_plain["qwen3moe"] with { Experts = null });
        Cannot("layers without experts beside", s_plain["qwen3moe"] with { Experts = new() { Step = 2 } });
        Cannot("experts whose weights", s_plain["qwen3moe"] with { Experts = new() { Renormalize = false } });
        Cannot("YaRN with settings", s_llama with
        {
            RopeScaling = new() { Kind = RopeScalingKind.Yarn, Factor = 2, FastTurns = 16 },
        });
    }

    [Fact]
    public void What_programs_compute_otherwise_is_refused_in_one_line()
    {
        void Cannot(string what, string family, Func<ModelOptions, ModelOptions> change) =>
            Refused($"has no place for {what}", () => GgufModel.Require(change(GgufModels.All[family]), _folder.Path));
        ModelOptions With(ModelOptions o, Func<AttentionOptions, AttentionOptions> change) =>
            o with { Attention = change(o.Attention) };
        Cannot("norms, multipliers, caps", "llama", o => o with { Block = new() { LogitCap = 30 } });
        Cannot("norms, multipliers, caps", "gemma2", o => o with { Block = o.Block with { LogitCap = null } });
        Cannot("norms, multipliers, caps", "gemma3", o => o with { Block = o.Block with { NormOffset = 0 } });
        Cannot("this scale or cap", "gemma2", o => With(o, a => a with { ScoreScale = 0.2 }));
        Cannot("this scale or cap", "qwen3", o => With(o, a => a with { ScoreScale = 0.2 }));
        Cannot("sinks in attention", "llama", o => With(o, a => a with { Sinks = true }));
        Cannot("attention without sinks", "gpt-oss", o => With(o, a => a with { Sinks = false }));
        Cannot("heads that are rotated in part", "llama", o => o with { RotaryDims = 8 });
        Cannot("layers without rotary positions, or with", "smollm3", o => o with { UnrotatedLayers = [1] });
        Cannot("layers without sliding windows", "gemma2", o => With(o, a => a with { SlidingWindow = null }));
        Cannot("sliding windows in these layers", "gemma2", o => o with { FullAttentionLayers = [0, 3] });
        Cannot("rotary positions of this kind", "olmo3", o => o with { WindowRotary = new() { Base = 5000 } });
        Cannot("a head that is the embedding", "olmo2", o => o with { TieEmbeddings = true });
        Cannot("a head that is not the embedding", "cohere2", o => o with { TieEmbeddings = false });
        Cannot("4 heads of 16 in a model of width 32", "phi3", o => With(o, a => a with { HeadDim = 16 }));
        Cannot("Llama 3's scaling", "qwen3", o => o with { RopeScaling = new() { Kind = RopeScalingKind.Llama3 } });
        Cannot("LongRoPE", "llama", o => o with { RopeScaling = GgufModels.All["phi3"].RopeScaling });
        Cannot("queries that grow", "llama", o => o with { RopeScaling = new() { QueryGrowth = 0.1 } });
        Cannot("experts that are unlike", "gpt-oss", o => o with { Experts = o.Experts! with { SwiGluLimit = 6 } });
        Cannot("layers without experts beside", "glm4-moe", o => o with
        {
            Layers = 4,
            Experts = o.Experts! with { DenseLayers = [1] },
        });
        Cannot("latent attention unlike DeepSeek V3's", "deepseek-v3",
            o => With(o, a => a with { Latent = a.Latent! with { Interleaved = false } }));
        Cannot("latent attention", "llama", o => o with { Attention = GgufModels.All["deepseek-v3"].Attention });
    }

    [Fact]
    public void A_weight_beyond_half_precision_is_refused_and_nothing_is_written()
    {
        using var model = Model(s_llama);
        using (no_grad()) model.Parameters.First(p => p.Name.Contains("up_proj")).Value.view(-1)[3].fill_(70000);
        Refused("tensor blk.0.ffn_up.weight has 1 values that are not finite as F16",
            () => Written(model, ScalarType.Float16));
        Assert.Empty(Directory.GetFiles(_folder.Path));
        Written(model, ScalarType.BFloat16).Dispose();
    }

    private static ModelOptions Qwen3(ModelFamily family) => s_llama with
    {
        Family = family,
        NormEpsilon = 1e-6,
        Attention = s_llama.Attention with { QueryKeyNorm = true },
    };

    // With values of its own in every parameter.
    private static LanguageModel Model(ModelOptions options)
    {
        var model = new LanguageModel(options);
        model.Initialize(1);
        using var grad = no_grad();
        using var random = new Generator(2);
        foreach (var parameter in model.Parameters)
            parameter.Value.add_(rand([.. parameter.Shape], generator: random));
        return model;
    }

    private GgufReader Written(LanguageModel model, ScalarType type)
    {
        GgufModel.Write(_folder.File("x.gguf"), model, GgufModel.NearestTo(type), _folder.Path, "tiny");
        return GgufReader.Open(_folder.File("x.gguf"));
    }

    private static float[] Rows(Tensor value, Func<long, long>? order)
    {
        var rows = value.detach().reshape(value.shape[0], -1);
        var values = Enumerable.Range(0, (int)rows.shape[0])
            .Select(row => rows[order is null ? row : order(row)].contiguous().data<float>().ToArray());
        return [.. values.SelectMany(row => row)];
    }

    // The name in the file, and from a row there to the model's row.
    private static (string Name, Func<long, long>? Order) Expected(string name, ModelOptions options)
    {
        (string From, string To)[] names =
        [
            ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"),
            ("model.layers", "blk"), ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
            ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"), ("self_attn.q_norm", "attn_q_norm"),
            ("self_attn.k_norm", "attn_k_norm"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"),
            ("mlp.down_proj", "ffn_down"), ("mlp.gate.", "ffn_gate_inp."),
        ];
        foreach (var expert in Enumerable.Range(0, options.Experts?.Count ?? 0).Reverse())
            foreach (var projection in new[] { "gate", "up", "down" })
                name = name.Replace($"mlp.experts.{expert}.{projection}_proj", $"ffn_{projection}_exps");
        foreach (var (from, to) in names) name = name.Replace(from, to);
        var permuted = options.Family is ModelFamily.Llama or ModelFamily.Mistral
            && (name.Contains("attn_q.") || name.Contains("attn_k."));
        var d = options.HeadDim;
        return (name, permuted ? row => (row / d * d) + (row % 2 * (d / 2)) + (row % d / 2) : null);
    }
}
