using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>What multiplies a key component where a key head is composed of it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KeyGrain>))]
public enum KeyGrain
{
    /// <summary>One scalar a component and head (arXiv 2601.19611, eq. 10).</summary>
    [JsonStringEnumMemberName("head")] Head,

    /// <summary>One complex number a component, head and rotary frequency: a rotation turns every head's p-th pair alike, so complex factors commute with it.</summary>
    [JsonStringEnumMemberName("frequency")] Frequency,
}
