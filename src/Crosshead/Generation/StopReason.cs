using System.Text.Json.Serialization;

namespace Crosshead.Generation;

/// <summary>Why a sequence ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StopReason>))]
public enum StopReason
{
    /// <summary>As many tokens as asked for.</summary>
    [JsonStringEnumMemberName("length")] Length,

    /// <summary>The model's context is full, before as many tokens as asked for.</summary>
    [JsonStringEnumMemberName("context")] Context,

    /// <summary>An end token was drawn.</summary>
    [JsonStringEnumMemberName("end")] EndToken,

    /// <summary>A stop string was written.</summary>
    [JsonStringEnumMemberName("stop")] StopString,

    /// <summary>The caller cancelled.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled,
}
