using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>The architectures of GGUF files that models are written as, what they can express, their keys.</summary>
internal static class GgufArchitecture
{
    /// <summary>Name of the tensor with what each rotary frequency is divided by.</summary>
    public const string FrequencyDivisors = "rope_freqs.weight";

    /// <summary>
    /// The architecture of files with the weights of a model directory, whose <c>config.json</c> says the shape.
    /// </summary>
    public const string OfFolders = "crosshead";

    // What programs take for YaRN without keys of their own.
    private static readonly RopeScaling s_yarn = new() { Kind = RopeScalingKind.Yarn };

    /// <summary>
    /// The architecture's name: Mistral's is Llama's. Null for families that are not written as GGUF.
    /// </summary>
    public static string? NameOf(ModelFamily family) => family switch
    {
        ModelFamily.Qwen2 => "qwen2",
        ModelFamily.Qwen3 => "qwen3",
        ModelFamily.Qwen3Moe => "qwen3moe",
        ModelFamily.Llama or ModelFamily.Mistral => "llama",
        _ => null,
    };

    /// <summary>The names of all architectures.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Enum.GetValues<ModelFamily>().Select(NameOf).OfType<string>().Distinct()];

    /// <summary>The family of an architecture's models; null if the name is unknown.</summary>
    public static ModelFamily? FamilyOf(string name) =>
        Enum.GetValues<ModelFamily>().Cast<ModelFamily?>().FirstOrDefault(family => NameOf(family!.Value) == name);

    /// <summary>Whether queries and keys are normed.</summary>
    public static bool HasHeadNorms(ModelFamily family) => family is ModelFamily.Qwen3 or ModelFamily.Qwen3Moe;

    /// <summary>
    /// Number of heads whose rows a tensor has in the order of <see cref="TurnsNeighbours"/>; 0 for other tensors.
    /// </summary>
    /// <param name="tensor">The tensor's name in the file.</param>
    /// <param name="options">The model's shape.</param>
    public static int TurnedHeads(string tensor, ModelOptions options) => !TurnsNeighbours(options.Family) ? 0
        : tensor.Contains(".attn_q.", StringComparison.Ordinal) ? options.Attention.Heads
        : tensor.Contains(".attn_k.", StringComparison.Ordinal) ? options.Attention.Groups : 0;

    /// <summary>
    /// Whether rotary embedding turns neighbouring elements of a head (2i, 2i + 1). Crosshead, as Hugging Face, turns
    /// elements i and i + d/2.
    /// </summary>
    public static bool TurnsNeighbours(ModelFamily family) => NameOf(family) == "llama";

    /// <summary>Checks that the format can express a model.</summary>
    /// <exception cref="CrossheadException">It cannot; the message says why.</exception>
    public static void Require(ModelOptions options)
    {
        if (NameOf(options.Family) is null)
            throw new CrossheadException($"models of the family {options.Family.NameOf()} are not written as a "
                + $"GGUF file; supported are {string.Join(", ", Names)}; write the model as safetensors.");
        if (Lacking(options).FirstOrDefault() is not { } lacking) return;
        throw new CrossheadException($"GGUF's architecture {NameOf(options.Family)} has no place for {lacking}; "
            + "write the model as safetensors.");
    }

    /// <summary>Adds the keys of a model's shape.</summary>
    public static void Describe(GgufWriter writer, ModelOptions options)
    {
        var a = NameOf(options.Family)!;
        void Count(string key, long value) => writer.Add($"{a}.{key}", checked((uint)value));
        void Number(string key, double value) => writer.Add($"{a}.{key}", (float)value);

        Count("context_length", options.Context);
        Count("embedding_length", options.HiddenSize);
        Count("block_count", options.Layers);
        Count("feed_forward_length", options.FeedForward);
        Count("attention.head_count", options.Attention.Heads);
        Count("attention.head_count_kv", options.Attention.Groups);
        Count("attention.key_length", options.HeadDim);
        Count("attention.value_length", options.HeadDim);
        Number("attention.layer_norm_rms_epsilon", options.NormEpsilon);
        Count("rope.dimension_count", options.HeadDim);
        Number("rope.freq_base", options.RopeBase);
        Count("vocab_size", options.VocabularySize);
        if (options.RopeScaling is { Kind: not RopeScalingKind.Llama3 } scaling)
        {
            writer.Add($"{a}.rope.scaling.type", scaling.Kind == RopeScalingKind.Yarn ? "yarn" : "linear");
            Number("rope.scaling.factor", scaling.Factor);
            if (scaling.Kind == RopeScalingKind.Yarn)
                Count("rope.scaling.original_context_length", scaling.OriginalContext ?? options.Context);
        }
        if (options.Experts is not { } experts) return;
        Count("expert_count", experts.Count);
        Count("expert_used_count", experts.PerToken);
        Count("expert_feed_forward_length", experts.InnerSize);
    }

    /// <summary>
    /// What each rotary frequency is divided by, if a model's scaling is not expressed by keys; otherwise null.
    /// </summary>
    public static float[]? DivisorsOf(ModelOptions options)
    {
        if (options.RopeScaling is not { Kind: RopeScalingKind.Llama3 } scaling) return null;
        var plain = RotaryFrequencies.Of(options.HeadDim, options.RopeBase, null, options.Context);
        var scaled = RotaryFrequencies.Of(options.HeadDim, options.RopeBase, scaling, options.Context);
        return [.. plain.Zip(scaled, (before, after) => (float)(before / after))];
    }

    private static IEnumerable<string> Lacking(ModelOptions options)
    {
        var (attention, family) = (options.Attention, options.Family);
        if (options.Block != new BlockOptions()) yield return "norms, multipliers or an activation unlike Llama's";
        if (options.RotaryDims is { } turned && turned != options.HeadDim)
            yield return "heads that are rotated in part";
        if (options.WindowRotary is not null) yield return "rotary positions of their own in layers with a window";
        if (options.UnrotatedLayers is { Count: > 0 }) yield return "layers without rotary positions";
        if (options.RopeScaling is { Kind: RopeScalingKind.LongRope }) yield return "LongRoPE";
        if (options.RopeScaling?.QueryGrowth is not null) yield return "queries that grow with their positions";
        if (attention.ScoreScale is not null || attention.ScoreCap is not null)
            yield return "a scale or a cap of the attention's scores";
        if (attention.QueryKeyNormSpan != QueryKeyNormSpan.Head || attention.QueryKeyNormOffset != 0)
            yield return "norms of queries and keys unlike Qwen 3's";
        if (options.VirtualHeads?.Any(heads => heads is not null) == true) yield return "a cache of component heads";
        if (attention.Variant != AttentionVariant.Gqa) yield return $"the variant {attention.Variant.NameOf()}";
        if (attention.Sinks) yield return "sinks in attention";
        if (attention.Latent is not null) yield return "latent attention";
        if (attention.SlidingWindow is { } window && window < options.Context
            && Enumerable.Range(0, options.Layers).Any(i => options.AttentionOf(i).SlidingWindow is not null))
            yield return $"a sliding window ({window} tokens)";
        var normed = HasHeadNorms(family);
        if (attention.QueryKeyNorm != normed)
            yield return $"queries and keys {(normed ? "without norms" : "with norms")}";
        if (normed && attention.QueryKeyNormEpsilon != options.NormEpsilon)
            yield return $"an epsilon of the norms of queries and keys ({attention.QueryKeyNormEpsilon}) that differs "
                + $"from the other norms' ({options.NormEpsilon})";
        var llama = TurnsNeighbours(family);
        if (!llama && attention.ProjectionBias != (family == ModelFamily.Qwen2))
            yield return $"queries, keys and values {(attention.ProjectionBias ? "with" : "without")} biases";
        if (!llama && attention.OutputBias) yield return "an output projection with a bias";
        if (!llama && options.FeedForwardBias) yield return "feed-forward layers with biases";
        if (options.Experts is null != (family != ModelFamily.Qwen3Moe))
            yield return options.Experts is null ? "layers without experts" : "experts";
        if (options.Experts is { } experts && !Enumerable.Range(0, options.Layers).All(experts.IsSparse))
            yield return "layers without experts beside layers with experts";
        if (options.Experts is { Renormalize: false })
            yield return "experts whose weights are not scaled to a sum of 1";
        if (options.RopeScaling is { Kind: RopeScalingKind.Yarn } yarn
            && yarn != s_yarn with { Factor = yarn.Factor, OriginalContext = yarn.OriginalContext })
            yield return "YaRN with settings besides factor and original context";
    }
}
