using System.Text.Json.Nodes;
using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// The keys of a mixture of experts in <c>config.json</c>. Absent keys mean what the family's
/// <see cref="FamilyConfig.Experts"/> say.
/// </summary>
internal static class ExpertKeys
{
    private const string Number = "num_experts", LocalNumber = "num_local_experts", RoutedNumber = "n_routed_experts";

    private static readonly ConfigKey
        PerToken = Required("num_experts_per_tok", e => e.PerToken, (e, v) => e with { PerToken = v }),
        Inner = Required("moe_intermediate_size", e => e.InnerSize, (e, v) => e with { InnerSize = v }),
        Renormalize = Optional("norm_topk_prob", e => e.Renormalize, (e, v) => e with { Renormalize = v }),
        Step = Optional("decoder_sparse_step", e => e.Step, (e, v) => e with { Step = v }),
        Dense = new("mlp_only_layers",
            (config, options) => With(options, e => e with
            {
                DenseLayers = config.Or<int[]>("mlp_only_layers", []) is { Length: > 0 } layers ? layers : null,
            }),
            options => new JsonArray([.. (options.Experts?.DenseLayers ?? []).Select(i => (JsonNode)i)])),
        Factor = Optional("routed_scaling_factor", e => e.WeightFactor, (e, v) => e with { WeightFactor = v }),
        Groups = Optional("n_group", e => e.Groups, (e, v) => e with { Groups = v }),
        GroupsPerToken = Optional("topk_group", e => e.GroupsPerToken, (e, v) => e with { GroupsPerToken = v }),
        Shared = Optional("n_shared_experts", e => e.Shared, (e, v) => e with { Shared = v }),
        Limit = new("swiglu_limit",
            (config, options) => config.Optional<double>("swiglu_limit") is not { } limit ? options
                : With(options, e => e with { SwiGluLimit = limit }),
            options => options.Experts?.SwiGluLimit);

    /// <summary>Those of Qwen 3 MoE.</summary>
    public static IReadOnlyList<ConfigKey> Qwen { get; } =
        [Count(Number), PerToken, Inner, Renormalize, Step, Dense];

    /// <summary>Those of Mixtral, whose experts are as wide as <c>intermediate_size</c> says.</summary>
    public static IReadOnlyList<ConfigKey> Mixtral { get; } = [Count(LocalNumber), PerToken, InnerIsFeedForward];

    /// <summary>Those of DeepSeek V3 and of models that took its experts over.</summary>
    public static IReadOnlyList<ConfigKey> DeepSeek { get; } =
    [
        Count(RoutedNumber), PerToken, Inner, Renormalize, FirstDense, Factor, Groups, GroupsPerToken, Shared,
        Fixed("scoring_func", "sigmoid"), Fixed("topk_method", "noaux_tc"),
    ];

    /// <summary>Those of gpt-oss.</summary>
    public static IReadOnlyList<ConfigKey> GptOss { get; } =
        [Count(LocalNumber), PerToken, InnerIsFeedForward, Limit with { Read = (_, options) => options }];

    /// <summary>Those of <c>crosshead</c>, which express every mixture.</summary>
    public static IReadOnlyList<ConfigKey> Own { get; } =
    [
        .. Qwen, Factor, Groups, GroupsPerToken, Shared, Limit,
        Optional("expert_scoring", e => e.Scoring == ExpertScoring.Sigmoid ? "sigmoid" : "softmax", (e, v) => e with
        {
            Scoring = v == "sigmoid" ? ExpertScoring.Sigmoid : ExpertScoring.Softmax,
        }),
        Optional("expert_choice_bias", e => e.ChoiceBias, (e, v) => e with { ChoiceBias = v }),
        Optional("expert_router_bias", e => e.RouterBias, (e, v) => e with { RouterBias = v }),
        Optional("expert_bias", e => e.Bias, (e, v) => e with { Bias = v }),
    ];

    /// <summary>What absent keys mean in Qwen's models, and in those of <c>crosshead</c>.</summary>
    public static ExpertOptions Usual { get; } = new() { Renormalize = false };

    private static ConfigKey InnerIsFeedForward => new("intermediate_size",
        (config, options) => With(options, e => e with { InnerSize = config.Required<int>("intermediate_size") }),
        options => options.Experts?.InnerSize ?? options.FeedForward);

    private static ConfigKey FirstDense => new("first_k_dense_replace",
        (config, options) => With(options, e => e with
        {
            DenseLayers = Math.Clamp(config.Or("first_k_dense_replace", e.DenseLayers?.Count ?? 0), 0, options.Layers)
                is var count and > 0 ? [.. Enumerable.Range(0, count)] : null,
        }),
        options => options.Experts?.DenseLayers?.Count ?? 0);

    /// <summary>Whether a configuration has experts.</summary>
    public static bool AreIn(ConfigValues config) =>
        (config.OneOf<int>(Number, LocalNumber, RoutedNumber) ?? 0) > 0;

    /// <summary>Reads the keys of <c>crosshead</c>.</summary>
    public static ModelOptions ReadOwn(ConfigValues config, ModelOptions options) =>
        Own.Aggregate(options, (read, key) => key.Read(config, read));

    /// <summary>
    /// Writes the keys of <c>crosshead</c>. Those that Qwen's models do not have are written only where they say
    /// something.
    /// </summary>
    public static void Write(JsonObject json, ModelOptions options)
    {
        var usual = options with { Experts = Usual };
        foreach (var key in Own)
            if (Qwen.Contains(key) || !JsonNode.DeepEquals(key.Write(options), key.Write(usual)))
                json[key.Name] = key.Write(options);
    }

    private static ConfigKey Count(string name) => new(name,
        (config, options) => With(options, e => e with
        {
            Count = config.OneOf<int>(Number, LocalNumber, RoutedNumber) ?? config.Required<int>(name),
        }),
        options => options.Experts?.Count);

    private static ConfigKey Required(string name, Func<ExpertOptions, int> get,
        Func<ExpertOptions, int, ExpertOptions> set) => new(name,
            (config, options) => With(options, e => set(e, config.Required<int>(name))),
            options => options.Experts is { } experts ? get(experts) : null);

    private static ConfigKey Optional<T>(string name, Func<ExpertOptions, T> get,
        Func<ExpertOptions, T, ExpertOptions> set) => new(name,
            (config, options) => With(options, e => set(e, config.Or(name, get(e)))),
            options => options.Experts is { } experts ? JsonValue.Create(get(experts)) : null);

    // A key that only tells what the family is.
    private static ConfigKey Fixed(string name, string value) => new(name,
        (config, options) => config.Or(name, value) == value ? options
            : throw config.Error($"{config.Shown(name)} is not supported; supported is {value}"),
        _ => value);

    private static ModelOptions With(ModelOptions options, Func<ExpertOptions, ExpertOptions> change) =>
        options with { Experts = change(options.Experts ?? new()) };
}
