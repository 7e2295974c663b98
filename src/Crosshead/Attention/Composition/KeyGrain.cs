using System.Text.Json.Serialization;

namespace Crosshead.Attention.Composition;

/// <summary>What multiplies a key component where a key head is composed of it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KeyGrain>))]
public enum KeyGrain
{
    /// <summary>One number for each component and head (arXiv 2601.19611, eq. 10).</summary>
    [JsonStringEnumMemberName("head")] Head,

    /// <summary>
    /// One complex number for each component, head and rotary frequency: finer. A rotation turns the same pair of every
    /// head alike, so that such factors commute with it.
    /// </summary>
    [JsonStringEnumMemberName("frequency")] Frequency,
}
