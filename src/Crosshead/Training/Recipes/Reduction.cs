using System.Text.Json.Serialization;

namespace Crosshead.Training.Recipes;

/// <summary>How the ranks of a run add up their gradients.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Reduction>))]
public enum Reduction
{
    /// <summary>
    /// In the order of the micro-batches. Every number of ranks gives the same bits, but gradients are exchanged after
    /// each micro-batch.
    /// </summary>
    [JsonStringEnumMemberName("ordered")] Ordered,

    /// <summary>
    /// Each rank adds up its own micro-batches, and the sums are exchanged once a step. The last digits depend on the
    /// number of ranks.
    /// </summary>
    [JsonStringEnumMemberName("fast")] Fast,
}
