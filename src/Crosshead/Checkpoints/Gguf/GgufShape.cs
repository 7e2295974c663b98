using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// The shape of the model in a GGUF file, from its keys and the names of its tensors. Absent keys mean what they mean
/// to llama.cpp.
/// </summary>
internal sealed class GgufShape
{
    private const double DefaultBase = 10000;

    // Keys that change what a model computes, and the only value that the architectures here can have.
    private static readonly (string Key, double Supported)[] s_fixed =
    [
        ("attention.causal", 1),
        ("attention.clamp_kqv", 0),
        ("attention.max_alibi_bias", 0),
        ("attention.scale", 0),
        ("attention.sliding_window_pattern", 0),
        ("attn_logit_softcapping", 0),
        ("embedding_scale", 1),
        ("expert_shared_count", 0),
        ("expert_shared_feed_forward_length", 0),
        ("final_logit_softcapping", 0),
        ("leading_dense_block_count", 0),
        ("logit_scale", 1),
        ("nextn_predict_layers", 0),
        ("residual_scale", 1),
        ("rope.scaling.attn_factor", 1),
        ("rope.scaling.yarn_attn_factor", 1),
        ("rope.scaling.yarn_ext_factor", 1),
        ("rope.scaling.yarn_log_multiplier", 0),
    ];

    private readonly GgufReader _file;
    private readonly GgufKeys _keys;
    private readonly ModelFamily _family;

    private GgufShape(GgufReader file)
    {
        _file = file;
        var general = new GgufKeys(file.Metadata, file.Path, "general");
        if (general.Text("type") is { } kind && kind != "model")
            throw general.Error($"it holds \"{kind.Shown()}\" by its key general.type, and no model; name the file of "
                + "the model");
        var name = general.Text("architecture") ?? throw general.Missing("architecture");
        if (name == GgufArchitecture.OfFolders)
            throw general.Error("it holds the weights of a model directory, whose config.json says the shape; name the "
                + "directory");
        _family = GgufArchitecture.FamilyOf(name) ?? throw general.Error($"the architecture \"{name.Shown()}\" is not "
            + $"supported; {Suggestion.For(name, GgufArchitecture.Names).TrimEnd('.')}");
        _keys = new GgufKeys(file.Metadata, file.Path, name);
    }

    /// <summary>Reads the shape.</summary>
    /// <exception cref="CrossheadException">A key is missing or out of range, or the model needs what is not
    /// supported.</exception>
    public static ModelOptions Of(GgufReader file)
    {
        var options = new GgufShape(file).Options();
        try
        {
            options.Validate();
            return options;
        }
        catch (CrossheadException e)
        {
            throw new CrossheadException($"\"{file.Path}\" cannot be loaded: {e.Message}", e);
        }
    }

    private ModelOptions Options()
    {
        foreach (var (key, supported) in s_fixed) _keys.Require(key, supported);
        var (layers, context, width) = (_keys.Count("block_count"), _keys.Count("context_length"),
            _keys.Count("embedding_length"));
        if (layers > _file.Tensors.Count)
            throw _keys.Error($"the key {_keys.NameOf("block_count")} is {layers}, the file has {_file.Tensors.Count} "
                + "tensors; each layer has several");
        var attention = Attention(layers, width, context);
        var experts = Experts(layers);
        return new ModelOptions
        {
            // The architecture is the same. Only Mistral's configuration has a place for a window.
            Family = _family == ModelFamily.Llama && attention.SlidingWindow is not null ? ModelFamily.Mistral
                : _family,
            VocabularySize = Vocabulary(),
            HiddenSize = width,
            Layers = layers,
            FeedForwardSize = _keys.CountOfLayers("feed_forward_length", layers)
                ?? (experts is null ? throw _keys.Missing("feed_forward_length") : null),
            FeedForwardBias = Has("blk.0.ffn_gate.bias"),
            Experts = experts,
            Context = context,
            RopeBase = _keys.Number("rope.freq_base") ?? DefaultBase,
            RopeScaling = Scaling(attention.HeadDim!.Value, context),
            NormEpsilon = Epsilon,
            TieEmbeddings = !Has("output.weight"),
            Attention = attention,
        };
    }

    private double Epsilon => _keys.Number("attention.layer_norm_rms_epsilon")
        ?? throw _keys.Missing("attention.layer_norm_rms_epsilon");

    private AttentionOptions Attention(int layers, int width, int context)
    {
        var heads = _keys.CountOfLayers("attention.head_count", layers)
            ?? throw _keys.Missing("attention.head_count");
        var normed = GgufArchitecture.HasHeadNorms(_family);
        var window = _keys.OptionalCount("attention.sliding_window");
        return new AttentionOptions
        {
            Heads = heads,
            KeyValueHeads = _keys.CountOfLayers("attention.head_count_kv", layers) ?? heads,
            HeadDim = HeadDim(heads, width),
            ProjectionBias = _family == ModelFamily.Qwen2 || Has("blk.0.attn_q.bias"),
            OutputBias = Has("blk.0.attn_output.bias"),
            QueryKeyNorm = normed,
            QueryKeyNormEpsilon = normed ? Epsilon : new AttentionOptions().QueryKeyNormEpsilon,
            SlidingWindow = window < context ? window : null,
        };
    }

    // Keys, values and rotated elements of a head must be equally many.
    private int HeadDim(int heads, int width)
    {
        if (_keys.OptionalCount("attention.key_length") is not { } keys)
        {
            if (width % heads != 0)
                throw _keys.Error($"the key {_keys.NameOf("attention.key_length")} is absent and "
                    + $"{_keys.NameOf("embedding_length")} ({width}) is no multiple of the {heads} heads; a head must "
                    + "have a whole number of elements");
            keys = width / heads;
        }
        foreach (var key in (string[])["attention.value_length", "rope.dimension_count"])
            if (_keys.OptionalCount(key) is { } other && other != keys)
                throw _keys.Error($"the key {_keys.NameOf(key)} is {other}, a key head has {keys} elements; supported "
                    + "are models with both equal");
        return keys;
    }

    private int Vocabulary() => _file.Metadata.CountOf("tokenizer.ggml.tokens") is > 0 and var tokens ? tokens
        : _keys.Count("vocab_size");

    private ExpertOptions? Experts(int layers)
    {
        if (_family != ModelFamily.Qwen3Moe)
            return _keys.OptionalCount("expert_count") is not { } unsupported ? null
                : throw _keys.Error($"the key {_keys.NameOf("expert_count")} is {unsupported}; experts are supported "
                    + $"for {GgufArchitecture.NameOf(ModelFamily.Qwen3Moe)} only");
        var used = _keys.Count("expert_used_count");
        return new ExpertOptions
        {
            Count = _keys.Count("expert_count"),
            PerToken = used,
            InnerSize = _keys.OptionalCount("expert_feed_forward_length")
                ?? (_keys.CountOfLayers("feed_forward_length", layers) is { } all && all % used == 0 ? all / used
                : throw _keys.Missing("expert_feed_forward_length")),
            Renormalize = true, // llama.cpp has no key for it
        };
    }

    private RopeScaling? Scaling(int headDim, int context)
    {
        var named = Scaling();
        if (!GgufArchitecture.TurnsNeighbours(_family) || !Has(GgufArchitecture.FrequencyDivisors)) return named;
        if (named is not null)
            throw _keys.Error($"it scales positions twice, by the key {_keys.NameOf("rope.scaling.factor")} and by the "
                + $"tensor {GgufArchitecture.FrequencyDivisors}; one of them is supported");
        var tensor = _file.Tensors[GgufArchitecture.FrequencyDivisors];
        if (tensor.Elements != headDim / 2)
            throw _keys.Error($"the tensor {tensor.Name} has {tensor.Elements} numbers, a head turns {headDim / 2} "
                + "pairs; they must be equal");
        var divisors = new float[headDim / 2];
        _file.Read(tensor.Name, 0, divisors);
        return divisors.All(d => d == 1) ? null
            : GgufDivisors.ScalingOf(divisors, _keys.Number("rope.freq_base") ?? DefaultBase, context)
            ?? throw _keys.Error($"the tensor {tensor.Name} holds factors that no scaling of Llama 3 gives, which is "
                + "not supported");
    }

    private RopeScaling? Scaling()
    {
        // Without a type a factor is that of linear scaling, and without a factor a type says nothing.
        var (type, factor) = (_keys.Text("rope.scaling.type") ?? "linear",
            _keys.Number("rope.scaling.factor") ?? _keys.Number("rope.scale_linear") ?? 0);
        if (type is not ("none" or "linear" or "yarn"))
            throw _keys.Error($"the key {_keys.NameOf("rope.scaling.type")} is \"{type.Shown()}\", which is not "
                + "supported; supported are none, linear and yarn");
        if (type == "none" || factor is 0 or 1) return null;
        var defaults = new RopeScaling { Factor = factor };
        return type == "linear" ? defaults : defaults with
        {
            Kind = RopeScalingKind.Yarn,
            OriginalContext = _keys.OptionalCount("rope.scaling.original_context_length"),
            FastTurns = _keys.Number("rope.scaling.yarn_beta_fast") ?? defaults.FastTurns,
            SlowTurns = _keys.Number("rope.scaling.yarn_beta_slow") ?? defaults.SlowTurns,
        };
    }

    private bool Has(string tensor) => _file.Tensors.ContainsKey(tensor);
}
