using System.Text.Json.Serialization;

namespace Crosshead.Layers;

/// <summary>
/// How rotary frequencies are changed to reach a longer context than the one a model was first trained on.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<RopeScalingKind>))]
public enum RopeScalingKind
{
    /// <summary>Every frequency is divided by the factor (position interpolation, arXiv 2306.15595).</summary>
    [JsonStringEnumMemberName("linear")] Linear,

    /// <summary>
    /// Slow frequencies are divided by the factor, fast ones are kept, those between are blended (Llama 3.1).
    /// </summary>
    [JsonStringEnumMemberName("llama3")] Llama3,

    /// <summary>
    /// As <c>llama3</c>, blended over the pairs of a head, and with longer queries and keys (YaRN, arXiv 2309.00071).
    /// </summary>
    [JsonStringEnumMemberName("yarn")] Yarn,

    /// <summary>
    /// Every frequency is divided by a factor of its own, one for texts within the original context and another for
    /// longer ones (LongRoPE, arXiv 2402.13753).
    /// </summary>
    [JsonStringEnumMemberName("longrope")] LongRope,
}
