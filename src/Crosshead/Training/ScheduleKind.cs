using System.Text.Json.Serialization;

namespace Crosshead.Training;

/// <summary>How the learning rate goes on after its warm-up.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScheduleKind>))]
public enum ScheduleKind
{
    /// <summary>Falls along half a cosine to its final fraction.</summary>
    [JsonStringEnumMemberName("cosine")] Cosine,

    /// <summary>Stays.</summary>
    [JsonStringEnumMemberName("constant")] Constant,

    /// <summary>Warm-up–stable–decay: stays, then falls linearly to its final fraction over the last part of the run.</summary>
    [JsonStringEnumMemberName("wsd")] Wsd,
}
