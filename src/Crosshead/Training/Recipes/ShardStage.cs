using System.Text.Json.Serialization;

namespace Crosshead.Training.Recipes;

/// <summary>What the ranks of a run share out instead of keeping it whole. The results have the same bits.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ShardStage>))]
public enum ShardStage
{
    /// <summary>Nothing: every rank keeps all of the training state.</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>AdamW's moments, the master weights and the sums of gradients.</summary>
    [JsonStringEnumMemberName("optimizer")] Optimizer,

    /// <summary>
    /// In addition, the gradients: they leave a rank part by part during the backward pass. On GPUs, this takes the
    /// least time, too.
    /// </summary>
    [JsonStringEnumMemberName("gradients")] Gradients,

    /// <summary>
    /// In addition, the weights: those of a layer are gathered before the layer is computed, forward and backward, and
    /// forgotten afterwards. More is exchanged, for the least memory.
    /// </summary>
    [JsonStringEnumMemberName("parameters")] Parameters,
}
