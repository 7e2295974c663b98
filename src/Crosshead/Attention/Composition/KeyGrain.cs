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

    /// <summary>
    /// As <see cref="Frequency"/> in the part of each head that the layer rotates, and a whole matrix between the rest
    /// of all heads: finer where a layer rotates a part of each head, or nothing. What is not rotated stands in no
    /// way of any linear map.
    /// </summary>
    [JsonStringEnumMemberName("partial")] Partial,
}
