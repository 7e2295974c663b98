using System.Text.Json.Serialization;

namespace Crosshead.Generation;

/// <summary>Why a sequence ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StopReason>))]
public enum StopReason
{
    /// <summary>As many tokens as asked for, or as the context holds.</summary>
    [JsonStringEnumMemberName("length")] Length,

    /// <summary>An end token was drawn.</summary>
    [JsonStringEnumMemberName("end")] EndToken,

    /// <summary>A stop string was written.</summary>
    [JsonStringEnumMemberName("stop")] StopString,

    /// <summary>The caller cancelled.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled,
}
