using System.Text.Json.Serialization;

namespace Crosshead.Training.Recipes;

/// <summary>How the learning rate goes on after its warm-up.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScheduleKind>))]
public enum ScheduleKind
{
    /// <summary>Falls along half a cosine to <c>finalFraction</c>.</summary>
    [JsonStringEnumMemberName("cosine")] Cosine,

    /// <summary>Stays at the highest rate.</summary>
    [JsonStringEnumMemberName("constant")] Constant,

    /// <summary>
    /// Stays, then falls in a straight line to <c>finalFraction</c> over the last part of the run (warm-up, stable,
    /// decay).
    /// </summary>
    [JsonStringEnumMemberName("wsd")] Wsd,
}
