namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// How a family stores tensors otherwise than models have parameters. Modules are named within their layer, such as
/// <c>self_attn.q_proj</c>.
/// </summary>
internal sealed record TensorRules
{
    /// <summary>Every tensor is a parameter of its name.</summary>
    public static TensorRules None { get; } = new();

    /// <summary>The projections of Phi 3: queries, keys and values together, gate and up together.</summary>
    public static IReadOnlyDictionary<string, string[]> FusedFeedForward { get; } =
        new Dictionary<string, string[]> { ["mlp.gate_up_proj"] = ["mlp.gate_proj", "mlp.up_proj"] };

    /// <summary>Stored modules that have other names than their parameters, and these names.</summary>
    public IReadOnlyDictionary<string, string> Names { get; init; } = new Dictionary<string, string>();

    /// <summary>Stored modules that hold the rows of several modules one below the other, and these modules.</summary>
    public IReadOnlyDictionary<string, string[]> Fused { get; init; } = new Dictionary<string, string[]>();

    /// <summary>Stored tensors of experts; of several with the same parameters, the first one is written.</summary>
    public IReadOnlyList<ExpertTensors> Experts { get; init; } = [];

    /// <summary>
    /// Layers behind the last one, which draft further tokens and are not read: the key that says how many there are.
    /// Null for none.
    /// </summary>
    public string? DraftLayersKey { get; init; }

    /// <summary>
    /// Whether rotary embedding turns neighbouring elements of a head (2i, 2i + 1). Crosshead turns elements i and
    /// i + d/2.
    /// </summary>
    public bool TurnsNeighbours { get; init; }
}
