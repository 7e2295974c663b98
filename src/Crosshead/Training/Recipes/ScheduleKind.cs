using System.Text.Json.Serialization;

namespace Crosshead.Training.Recipes;

/// <summary>How the learning rate changes after the warm-up.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScheduleKind>))]
public enum ScheduleKind
{
    /// <summary>The rate falls along half a cosine to <c>finalFraction</c>.</summary>
    [JsonStringEnumMemberName("cosine")] Cosine,

    /// <summary>The rate stays at its highest value.</summary>
    [JsonStringEnumMemberName("constant")] Constant,

    /// <summary>
    /// The rate stays at its highest value, then falls linearly to <c>finalFraction</c> in the last part of the run
    /// (warm-up, stable, decay).
    /// </summary>
    [JsonStringEnumMemberName("wsd")] Wsd,
}
