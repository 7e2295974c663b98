using System.Text.Json.Serialization;

namespace Crosshead.Training.Recipes;

/// <summary>The precision in which AdamW keeps its two moments.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MomentPrecision>))]
public enum MomentPrecision
{
    /// <summary>That of the master weights.</summary>
    [JsonStringEnumMemberName("master")] Master,

    /// <summary>
    /// bfloat16, 4 bytes a parameter instead of 8. Numbers are rounded up or down at random, so that changes that are
    /// too small for the type are not lost on average. Every run draws the same random bits.
    /// </summary>
    [JsonStringEnumMemberName("bfloat16")] BFloat16,
}
