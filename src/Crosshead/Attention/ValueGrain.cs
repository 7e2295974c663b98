using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>What multiplies a value component where a value head is composed of it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ValueGrain>))]
public enum ValueGrain
{
    /// <summary>One scalar a component head and head (arXiv 2601.19611, eq. 11).</summary>
    [JsonStringEnumMemberName("head")] Head,

    /// <summary>A matrix [rank, d] a head: nothing but a weighted sum stands between the values and the heads' outputs, so any linear map commutes with it.</summary>
    [JsonStringEnumMemberName("dense")] Dense,
}
