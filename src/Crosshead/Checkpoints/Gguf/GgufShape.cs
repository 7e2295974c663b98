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

    // Keys that change what a model computes, and the only value of those that an architecture does not have.
    private static readonly (string Key, double Supported)[] s_fixed =
    [
        ("attention.causal", 1),
        ("attention.clamp_kqv", 0),
        ("attention.max_alibi_bias", 0),
        ("attention.scale", 0),
        ("attention.temperature_scale", 0),
        ("attn_logit_softcapping", 0),
        ("embedding_scale", 1),
        ("expert_shared_feed_forward_length", 0),
        ("final_logit_softcapping", 0),
        ("logit_scale", 1),
        ("residual_scale", 1),
        ("rope.scaling.yarn_attn_factor", 1),
        ("rope.scaling.yarn_ext_factor", 1),
    ];

    private const string Window = "attention.sliding_window", Pattern = "attention.sliding_window_pattern",
        WindowBase = "rope.freq_base_swa", DraftLayers = "nextn_predict_layers";

    private readonly GgufReader _file;
    private readonly GgufKeys _keys;
    private readonly GgufArchitecture _architecture;
    private readonly int _layers, _context, _width;

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
        _architecture = GgufArchitectures.Named(name) ?? throw general.Error($"the architecture \"{name.Shown()}\" is "
            + $"not supported; {Suggestion.For(name, GgufArchitectures.Names).TrimEnd('.')}");
        _keys = new GgufKeys(file.Metadata, file.Path, name);
        (_context, _width) = (_keys.Count("context_length"), _keys.Count("embedding_length"));
        var blocks = _keys.Count("block_count");
        if (blocks > file.Tensors.Count)
            throw _keys.Error($"the key {_keys.NameOf("block_count")} is {blocks}, the file has {file.Tensors.Count} "
                + "tensors; each layer has several");
        // Layers behind the last one, which draft further tokens, are not read.
        var drafts = _architecture.Experts.IsDescribed ? _keys.OptionalCount(DraftLayers) ?? 0 : 0;
        if (drafts >= blocks)
            throw _keys.Error($"the key {_keys.NameOf(DraftLayers)} is {drafts}, that of all layers {blocks}; it must "
                + "be less");
        _layers = blocks - drafts;
    }

    /// <summary>Reads the shape.</summary>
    /// <exception cref="CrossheadException">A key is missing or out of range, or the model needs what is not
    /// supported.</exception>
    public static ModelOptions Of(GgufReader file) => new GgufShape(file).Options().ValidIn(file.Path);

    private ModelOptions Options()
    {
        var own = _architecture.Keys.Select(k => k.Name).ToHashSet();
        foreach (var (key, supported) in s_fixed)
        {
            if (!own.Contains(key)) _keys.Require(key, supported);
        }
        foreach (var key in _architecture.Experts.Unread.Concat(_architecture.Scaling.Unread)) _keys.Require(key, 0);
        if (!_architecture.Experts.IsDescribed) _keys.Require(DraftLayers, 0);
        var experts = _architecture.Experts.Read(_keys, _layers, choiceBias: HasAny("exp_probs_b.bias"));
        var (attention, full) = Windowed(Attention());
        var turned = _keys.OptionalCount("rope.dimension_count") ?? attention.HeadDim!.Value;
        var theta = _keys.Number("rope.freq_base") ?? DefaultBase;
        var scaling = _architecture.Scaling.Read(_keys, _file, turned, theta, _context);
        var options = new ModelOptions
        {
            VocabularySize = Vocabulary(),
            HiddenSize = _width,
            Layers = _layers,
            FeedForwardSize = _keys.CountOfLayers(GgufExperts.FeedForward, _layers)
                ?? (experts is null ? throw _keys.Missing(GgufExperts.FeedForward) : null),
            FeedForwardBias = Has(_architecture.FeedForwardBias, "blk.0.ffn_gate.bias"),
            Experts = experts,
            Context = _context,
            RopeBase = theta,
            RopeScaling = scaling,
            RotaryDims = turned == attention.HeadDim ? null : turned,
            WindowRotary = attention.SlidingWindow is null ? null : WindowRotary(theta, scaling),
            NormEpsilon = Epsilon,
            TieEmbeddings = !Has(_architecture.Head, GgufRecipe.Head),
            Attention = attention,
            FullAttentionLayers = full,
        };
        foreach (var key in _architecture.Keys)
            options = key.Set(options, _keys.Number(key.Name) is { } value and not 0 ? value : key.Absent);
        return _architecture.Complete(options);
    }

    private double Epsilon => _keys.Number(_architecture.NormEpsilonKey)
        ?? throw _keys.Missing(_architecture.NormEpsilonKey);

    private AttentionOptions Attention()
    {
        var heads = _keys.CountOfLayers("attention.head_count", _layers)
            ?? throw _keys.Missing("attention.head_count");
        if (_architecture.IsLatent) return Latent(heads);
        var normed = Has(_architecture.QueryKeyNorm, "blk.0.attn_q_norm.weight");
        return new AttentionOptions
        {
            Heads = heads,
            KeyValueHeads = _keys.CountOfLayers("attention.head_count_kv", _layers) ?? heads,
            HeadDim = HeadDim(heads),
            ProjectionBias = Has(_architecture.ProjectionBias, "blk.0.attn_q.bias"),
            OutputBias = Has(_architecture.OutputBias, "blk.0.attn_output.bias"),
            QueryKeyNorm = normed,
            QueryKeyNormEpsilon = normed ? Epsilon : new AttentionOptions().QueryKeyNormEpsilon,
        };
    }

    // A head of queries or keys is the plain part and the rotated one.
    private AttentionOptions Latent(int heads)
    {
        var (turned, scaling) = (_keys.Count("rope.dimension_count"), _keys.Number("rope.scaling.factor") ?? 1);
        var whole = _keys.OptionalCount("attention.key_length_mla") ?? _keys.Count("attention.key_length");
        if (whole <= turned)
            throw _keys.Error($"a head is {whole} wide, and {_keys.NameOf("rope.dimension_count")} is {turned}; it "
                + "must be less");
        return new AttentionOptions
        {
            Heads = heads,
            HeadDim = turned,
            Latent = new LatentOptions
            {
                Rank = _keys.Count("attention.kv_lora_rank"),
                QueryRank = _keys.OptionalCount("attention.q_lora_rank"),
                PlainWidth = whole - turned,
                ValueWidth = _keys.OptionalCount("attention.value_length_mla")
                    ?? _keys.Count("attention.value_length"),
                ScaleFactor = Math.Pow(
                    GgufScaling.YarnMagnitude(Math.Max(scaling, 1), _architecture.Scaling.LogIn(_keys)), 2),
                NormEpsilon = Epsilon,
            },
        };
    }

    // The attention with its windows, and the layers that have none.
    private (AttentionOptions Attention, IReadOnlyList<int>? Full) Windowed(AttentionOptions attention)
    {
        if (_architecture.WindowPeriod is not { } period)
        {
            _keys.Require(Pattern, 0);
            var window = _keys.OptionalCount(Window);
            return (attention with { SlidingWindow = window < _context ? window : null }, null);
        }
        var width = _architecture.NeedsWindow ? _keys.Count(Window) : _keys.OptionalCount(Window);
        if (width is null) return (attention, null);
        if (_file.Metadata.IsList(_keys.NameOf(Pattern)))
            throw _keys.Error($"the key {_keys.NameOf(Pattern)} is a list, which is not supported; supported is a "
                + "number");
        if (_file.Metadata.Integer(_keys.NameOf(Pattern)) is { } given)
            period = (int)Math.Clamp(given, 0, int.MaxValue);
        var full = GgufArchitecture.FullLayers(_layers, period);
        return full?.Count == _layers ? (attention, null) : (attention with { SlidingWindow = width }, full);
    }

    private RotaryOptions? WindowRotary(double theta, RopeScaling? scaling) => _architecture.WindowRotary switch
    {
        GgufWindowRotary.Unscaled when scaling is not null => new RotaryOptions { Base = theta },
        GgufWindowRotary.OwnBase when (_keys.Number(WindowBase) ?? DefaultBase) is var own
            && (own != theta || scaling is not null) => new RotaryOptions { Base = own },
        _ => null,
    };

    // Keys and values of a head must be equally wide; in some architectures a part of a head may not be rotated.
    private int HeadDim(int heads)
    {
        if (_keys.OptionalCount("attention.key_length") is not { } keys)
        {
            if (_width % heads != 0)
                throw _keys.Error($"the key {_keys.NameOf("attention.key_length")} is absent and "
                    + $"{_keys.NameOf("embedding_length")} ({_width}) is no multiple of the {heads} heads; a head must "
                    + "have a whole number of elements");
            keys = _width / heads;
        }
        string[] widths = _architecture.PartialRotary ? ["attention.value_length"]
            : ["attention.value_length", "rope.dimension_count"];
        foreach (var key in widths)
            if (_keys.OptionalCount(key) is { } other && other != keys)
                throw _keys.Error($"the key {_keys.NameOf(key)} is {other}, a key head has {keys} elements; supported "
                    + "are models with both equal");
        return keys;
    }

    private int Vocabulary() => _file.Metadata.CountOf(GgufVocabulary.TokensKey) is > 0 and var tokens ? tokens
        : _keys.Count("vocab_size");

    private bool Has(GgufPresence presence, string tensor) => presence == GgufPresence.Always
        || (presence == GgufPresence.Optional && _file.Tensors.ContainsKey(tensor));

    private bool HasAny(string ending) =>
        _file.Tensors.Keys.Any(name => name.EndsWith(ending, StringComparison.Ordinal));
}
