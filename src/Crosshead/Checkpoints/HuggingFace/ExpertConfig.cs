using System.Text.Json.Nodes;
using Crosshead.Layers;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>A mixture of experts in <c>config.json</c>.</summary>
internal static class ExpertConfig
{
    private const string Count = "num_experts", NewCount = "num_local_experts", PerToken = "num_experts_per_tok",
    Inner = "moe_intermediate_size",
        Renormalize = "norm_topk_prob", Step = "decoder_sparse_step", Dense = "mlp_only_layers";

    /// <summary>Whether the configuration has experts.</summary>
    public static bool IsIn(ConfigValues config) => (config.OneOf<int>(Count, NewCount) ?? 0) > 0;

    /// <summary>Reads the experts. Absent keys mean the same as in Transformers.</summary>
    public static ExpertOptions Read(ConfigValues config) => new()
    {
        Count = config.OneOf<int>(Count, NewCount) ?? config.Required<int>(Count),
        PerToken = config.Required<int>(PerToken),
        InnerSize = config.Required<int>(Inner),
        Renormalize = config.Or(Renormalize, false),
        Step = config.Or(Step, 1),
        DenseLayers = config.Or<int[]>(Dense, []) is { Length: > 0 } layers ? layers : null,
    };

    /// <summary>Writes them.</summary>
    public static void Write(JsonObject json, ExpertOptions experts)
    {
        json[Count] = experts.Count;
        json[PerToken] = experts.PerToken;
        json[Inner] = experts.InnerSize;
        json[Renormalize] = experts.Renormalize;
        json[Step] = experts.Step;
        json[Dense] = new JsonArray([.. (experts.DenseLayers ?? []).Select(i => (JsonNode)i)]);
    }
}
