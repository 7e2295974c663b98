using System.Text.Json.Serialization;

namespace Crosshead.Attention.Composition;

/// <summary>Which of keys and values are composed from component heads.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ComposedParts>))]
public enum ComposedParts
{
    /// <summary>Keys and values.</summary>
    [JsonStringEnumMemberName("both")] Both,

    /// <summary>Keys only.</summary>
    [JsonStringEnumMemberName("keys")] Keys,

    /// <summary>Values only.</summary>
    [JsonStringEnumMemberName("values")] Values,
}
