using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>How the files of an architecture say what mixtures of experts their models have.</summary>
internal sealed record GgufExperts
{
    private const string Count = "expert_count", Used = "expert_used_count", Inner = "expert_feed_forward_length",
        Dense = "leading_dense_block_count", Shared = "expert_shared_count", Factor = "expert_weights_scale",
        Renormalize = "expert_weights_norm", Scoring = "expert_gating_func", Groups = "expert_group_count",
        UsedGroups = "expert_group_used_count";

    /// <summary>The key of the feed-forward layers' inner width.</summary>
    public const string FeedForward = "feed_forward_length";

    private const int Softmax = 1, Sigmoid = 2; // of the key of the scoring

    /// <summary>Whether models have experts.</summary>
    public GgufPresence Presence { get; init; }

    /// <summary>What is so in all models, whatever the keys.</summary>
    public ExpertOptions Form { get; init; } = new();

    /// <summary>Whether keys say which layers have experts, and how experts are chosen and weighted.</summary>
    public bool IsDescribed { get; init; }

    /// <summary>Whether an expert is as wide as a feed-forward layer, so that its width has no own key.</summary>
    public bool FillFeedForward { get; init; }

    /// <summary>The keys that must be absent or 0, because nothing reads them.</summary>
    public IEnumerable<string> Unread => IsDescribed ? [] : [Dense, Shared];

    /// <summary>Adds the keys.</summary>
    public void Describe(GgufWriter writer, ModelOptions options, string prefix)
    {
        void Add(string key, int value) => writer.Add(prefix + key, checked((uint)value));
        Add(FeedForward, FillFeedForward && options.Experts is { } filling ? filling.InnerSize : options.FeedForward);
        if (options.Experts is not { } experts) return;
        Add(Count, experts.Count);
        Add(Used, experts.PerToken);
        if (!FillFeedForward) Add(Inner, experts.InnerSize);
        if (!IsDescribed) return;
        Add(Shared, experts.Shared);
        Add(Dense, experts.DenseLayers?.Count ?? 0);
        writer.Add(prefix + Factor, (float)experts.WeightFactor);
        writer.Add(prefix + Renormalize, experts.Renormalize);
        Add(Scoring, NumberOf(experts.Scoring));
        if (experts.Groups == 1) return;
        Add(Groups, experts.Groups);
        Add(UsedGroups, experts.GroupsPerToken);
    }

    /// <summary>Reads the keys; null for a model without experts.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="choiceBias">Whether the file has numbers that are added while experts are chosen.</param>
    /// <exception cref="CrossheadException">A key is missing or out of range.</exception>
    public ExpertOptions? Read(GgufKeys keys, int layers, bool choiceBias)
    {
        if (Presence != GgufPresence.Always && keys.OptionalCount(Count) is null) return null;
        if (Presence == GgufPresence.Never)
            throw keys.Error($"the key {keys.NameOf(Count)} is {keys.Count(Count)}; experts are supported for "
                + $"{string.Join(", ", GgufArchitectures.All.Where(a => a.Experts.Presence != GgufPresence.Never)
                    .Select(a => a.Name))} only");
        var used = keys.Count(Used);
        var experts = Form with
        {
            Count = keys.Count(Count),
            PerToken = used,
            InnerSize = (FillFeedForward ? keys.CountOfLayers(FeedForward, layers) : keys.OptionalCount(Inner))
                ?? (keys.CountOfLayers(FeedForward, layers) is { } all && all % used == 0 ? all / used
                    : throw keys.Missing(Inner)),
        };
        if (!IsDescribed) return experts;
        var dense = Math.Clamp(keys.OptionalCount(Dense) ?? 0, 0, layers);
        return experts with
        {
            Shared = keys.OptionalCount(Shared) ?? 0,
            DenseLayers = dense > 0 ? [.. Enumerable.Range(0, dense)] : null,
            WeightFactor = keys.Number(Factor) is { } factor and not 0 ? factor : 1,
            Renormalize = keys.Flag(Renormalize) ?? false,
            Scoring = (keys.OptionalCount(Scoring) ?? NumberOf(Form.Scoring)) switch
            {
                Softmax => ExpertScoring.Softmax,
                Sigmoid => ExpertScoring.Sigmoid,
                var other => throw keys.Error($"the key {keys.NameOf(Scoring)} is {other}, which is not supported; "
                    + $"supported are {Softmax} (softmax) and {Sigmoid} (sigmoid)"),
            },
            ChoiceBias = choiceBias,
            Groups = keys.OptionalCount(Groups) ?? 1,
            GroupsPerToken = keys.OptionalCount(UsedGroups) ?? 1,
        };
    }

    /// <summary>What of a model's experts files cannot say; null for nothing.</summary>
    public string? Lacking(ModelOptions options)
    {
        if (options.Experts is not { } experts)
            return Presence == GgufPresence.Always ? "layers without experts" : null;
        if (Presence == GgufPresence.Never) return "experts";
        var leading = IsDescribed ? experts.DenseLayers?.Count ?? 0 : 0;
        if (Enumerable.Range(0, options.Layers).Any(i => experts.IsSparse(i) != i >= leading))
            return "layers without experts beside layers with experts";
        if (!IsDescribed && experts.Renormalize != Form.Renormalize)
            return "experts whose weights are not scaled to a sum of 1";
        var told = experts with { DenseLayers = null, Step = 1, Count = 0, PerToken = 0, InnerSize = 0 };
        var own = Form with { Count = 0, PerToken = 0, InnerSize = 0, DenseLayers = null };
        if (IsDescribed)
            own = own with
            {
                Shared = Math.Max(told.Shared, 1),
                Scoring = told.Scoring,
                WeightFactor = told.WeightFactor,
                Renormalize = told.Renormalize,
                Groups = told.Groups,
                GroupsPerToken = told.GroupsPerToken,
            };
        return told == own ? null : $"experts that are unlike those of {options.Family.NameOf()}";
    }

    private static int NumberOf(ExpertScoring scoring) => scoring == ExpertScoring.Sigmoid ? Sigmoid : Softmax;
}
