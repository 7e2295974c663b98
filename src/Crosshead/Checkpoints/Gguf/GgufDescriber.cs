using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>From a model's shape to the keys of a GGUF file, and what they cannot say.</summary>
internal static class GgufDescriber
{
    private const double Tolerance = 1e-6; // relative, of numbers that are stored in single precision

    /// <summary>Checks that the format can express a model.</summary>
    /// <exception cref="CrossheadException">It cannot; the message says why.</exception>
    public static void Require(ModelOptions options)
    {
        var architecture = GgufArchitectures.Of(options.Family);
        if (Lacking(options, architecture).FirstOrDefault() is not { } lacking) return;
        throw new CrossheadException($"GGUF's architecture {architecture.Name} has no place for {lacking}; write the "
            + "model as safetensors.");
    }

    /// <summary>Adds the keys of a model's shape.</summary>
    public static void Describe(GgufWriter writer, ModelOptions options)
    {
        var architecture = GgufArchitectures.Of(options.Family);
        var (prefix, attention) = ($"{architecture.Name}.", options.Attention);
        void Count(string key, long value) => writer.Add(prefix + key, checked((uint)value));
        void Number(string key, double value) => writer.Add(prefix + key, (float)value);

        Count("context_length", options.Context);
        Count("embedding_length", options.HiddenSize);
        Count("block_count", options.Layers);
        Count("attention.head_count", attention.Heads);
        Count("attention.head_count_kv", attention.Groups);
        Count("attention.key_length", options.HeadDim + (attention.Latent?.PlainWidth ?? 0));
        Count("attention.value_length", attention.Latent?.ValueWidth ?? options.HeadDim);
        Number(architecture.NormEpsilonKey, options.NormEpsilon);
        Count("rope.dimension_count", options.RotaryDims ?? options.HeadDim);
        Number("rope.freq_base", options.RopeBase);
        Count("vocab_size", options.VocabularySize);
        if (attention.Latent is { } latent)
        {
            Count("attention.kv_lora_rank", latent.Rank);
            Count("attention.q_lora_rank", latent.QueryRank ?? 0);
        }
        if (architecture.WindowPeriod is { } usual && attention.SlidingWindow is { } window)
        {
            Count("attention.sliding_window", window);
            if (architecture.PeriodOf(options) is { } period && period != usual)
                Count("attention.sliding_window_pattern", period);
            if (architecture.WindowRotary == GgufWindowRotary.OwnBase)
                Number("rope.freq_base_swa", options.RotaryOf(RotaryKind.Window).Base);
        }
        architecture.Scaling.Describe(writer, options, prefix);
        architecture.Experts.Describe(writer, options, prefix);
        foreach (var key in architecture.Keys)
            if (key.Get(options) is var value && value != key.Absent) Number(key.Name, value);
    }

    private static IEnumerable<string> Lacking(ModelOptions o, GgufArchitecture a)
    {
        var (told, own) = (Told(o, a), o.Attention);
        var layers = Enumerable.Range(0, o.Layers);
        if (o.VirtualHeads?.Any(heads => heads is not null) == true) yield return "a cache of component heads";
        if (own.Variant != AttentionVariant.Gqa) yield return $"the variant {own.Variant.NameOf()}";
        if (own.Latent is null == a.IsLatent)
            yield return a.IsLatent ? "attention that is not latent" : "latent attention";
        if (own.Latent is { } latent && (!latent.Interleaved || latent.Components is not null
            || latent.NormEpsilon != o.NormEpsilon || (o.RopeScaling is null && latent.ScaleFactor != 1)))
            yield return "latent attention unlike DeepSeek V3's";
        if (own.Sinks != told.Attention.Sinks)
            yield return own.Sinks ? "sinks in attention" : "attention without sinks";
        if (!AreAlike(o.Block, told.Block)) yield return "norms, multipliers, caps or an activation of this kind";
        if (!AreNear(own.ScoreScale ?? 1 / Math.Sqrt(o.HeadDim), told.Attention.ScoreScale ?? 1 / Math.Sqrt(o.HeadDim))
            || !AreNear(own.ScoreCap ?? 0, told.Attention.ScoreCap ?? 0))
            yield return "this scale or cap of the attention's scores";
        foreach (var lacking in LackingPositions(o, a, told)) yield return lacking;

        var normed = own.QueryKeyNorm;
        if (!Allows(a.QueryKeyNorm, normed)) yield return $"queries and keys {(normed ? "with" : "without")} norms";
        if (own.QueryKeyNormSpan != told.Attention.QueryKeyNormSpan
            || own.QueryKeyNormOffset != told.Attention.QueryKeyNormOffset)
            yield return "norms of queries and keys of this kind";
        if (normed && own.QueryKeyNormEpsilon != o.NormEpsilon)
            yield return $"an epsilon of the norms of queries and keys ({own.QueryKeyNormEpsilon}) that differs from "
                + $"the other norms' ({o.NormEpsilon})";
        if (!Allows(a.ProjectionBias, own.ProjectionBias))
            yield return $"queries, keys and values {(own.ProjectionBias ? "with" : "without")} biases";
        if (!Allows(a.OutputBias, own.OutputBias))
            yield return $"an output projection with{(own.OutputBias ? "" : "out")} a bias";
        if (!Allows(a.FeedForwardBias, o.FeedForwardBias))
            yield return $"feed-forward layers with{(o.FeedForwardBias ? "" : "out")} biases";
        if (!Allows(a.Head, !o.TieEmbeddings))
            yield return o.TieEmbeddings ? "a head that is the embedding" : "a head that is not the embedding";
        if (a.HeadsFillWidth && own.Heads * o.HeadDim != o.HiddenSize)
            yield return $"{own.Heads} heads of {o.HeadDim} in a model of width {o.HiddenSize}";
        if (a.Experts.Lacking(o) is { } experts) yield return experts;
        if (a.Scaling.Lacking(o) is { } scaling) yield return scaling;
        if (!layers.All(i => (o.RotaryKindOf(i) == RotaryKind.None) == (told.RotaryKindOf(i) == RotaryKind.None)))
            yield return "layers without rotary positions, or with them, of this order";
    }

    private static IEnumerable<string> LackingPositions(ModelOptions o, GgufArchitecture a, ModelOptions told)
    {
        if (!a.PartialRotary && o.RotaryDims is { } turned && turned != o.HeadDim)
            yield return "heads that are rotated in part";
        if (o.RopeScaling?.QueryGrowth != told.RopeScaling?.QueryGrowth)
            yield return "queries that grow with their positions";
        var windows = Enumerable.Range(0, o.Layers).Any(i => o.AttentionOf(i).SlidingWindow is not null);
        if (a.WindowPeriod is null)
        {
            if (windows && o.Attention.SlidingWindow is { } window && window < o.Context)
                yield return $"a sliding window ({window} tokens)";
            yield break;
        }
        if (!windows && a.NeedsWindow) yield return "layers without sliding windows";
        if (!windows) yield break;
        if (a.PeriodOf(o) is null) yield return "sliding windows in these layers";
        var (usual, local) = (o.RotaryOf(RotaryKind.Usual), o.RotaryOf(RotaryKind.Window));
        var fits = a.WindowRotary switch
        {
            GgufWindowRotary.Usual => o.WindowRotary is null || o.WindowRotary == usual,
            GgufWindowRotary.Unscaled => local.Base == usual.Base && local.Scaling is null,
            _ => local.Scaling is null,
        };
        if (!fits) yield return "rotary positions of this kind in layers with a window";
    }

    // What the architecture's models have whatever the keys, and what its own keys say of this one.
    private static ModelOptions Told(ModelOptions o, GgufArchitecture a)
    {
        var told = new ModelOptions
        {
            HiddenSize = o.HiddenSize,
            Layers = o.Layers,
            RopeScaling = o.RopeScaling is null ? null : o.RopeScaling with { QueryGrowth = null },
            Attention = new AttentionOptions
            {
                Heads = o.Attention.Heads,
                HeadDim = o.HeadDim,
                QueryKeyNorm = o.Attention.QueryKeyNorm,
                SlidingWindow = o.Attention.SlidingWindow,
            },
            FullAttentionLayers = o.FullAttentionLayers,
        };
        foreach (var key in a.Keys)
            told = key.Set(told, key.Get(o) is var value and not 0 ? value : key.Absent);
        return a.Complete(told);
    }

    private static bool Allows(GgufPresence presence, bool present) =>
        presence == GgufPresence.Optional || present == (presence == GgufPresence.Always);

    private static bool AreAlike(BlockOptions one, BlockOptions other) =>
        (one.Form, one.Norm, one.NormOffset, one.Activation) == (other.Form, other.Norm, other.NormOffset,
            other.Activation)
        && AreNear(one.EmbeddingMultiplier, other.EmbeddingMultiplier)
        && AreNear(one.ResidualMultiplier, other.ResidualMultiplier)
        && AreNear(one.LogitMultiplier, other.LogitMultiplier) && AreNear(one.LogitCap ?? 0, other.LogitCap ?? 0);

    private static bool AreNear(double one, double other) => Math.Abs(one - other) <= Tolerance * Math.Abs(one);
}
