using System.Text.Json.Serialization;

namespace Crosshead.Generation;

/// <summary>Why a sequence ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StopReason>))]
public enum StopReason
{
    /// <summary>The requested number of tokens was drawn.</summary>
    [JsonStringEnumMemberName("length")] Length,

    /// <summary>The model's context was full before the requested number of tokens was drawn.</summary>
    [JsonStringEnumMemberName("context")] Context,

    /// <summary>An end token was drawn.</summary>
    [JsonStringEnumMemberName("end")] EndToken,

    /// <summary>A stop string was written.</summary>
    [JsonStringEnumMemberName("stop")] StopString,

    /// <summary>The caller cancelled the run.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled,
}
