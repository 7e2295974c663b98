using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>How the norm on the heads' outputs is weighted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HeadNormKind>))]
public enum HeadNormKind
{
    /// <summary>One weight vector [d] for all heads of a layer.</summary>
    [JsonStringEnumMemberName("shared")] Shared,

    /// <summary>A weight vector for each head, [h, d].</summary>
    [JsonStringEnumMemberName("per-head")] PerHead,

    /// <summary>No norm.</summary>
    [JsonStringEnumMemberName("none")] None,
}
