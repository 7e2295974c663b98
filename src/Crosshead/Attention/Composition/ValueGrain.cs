using System.Text.Json.Serialization;

namespace Crosshead.Attention.Composition;

/// <summary>What multiplies a value component where a value head is composed of it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ValueGrain>))]
public enum ValueGrain
{
    /// <summary>One number for each component and head (arXiv 2601.19611, eq. 11).</summary>
    [JsonStringEnumMemberName("head")] Head,

    /// <summary>
    /// A whole matrix [rank, d] for each head: finer. Values are only summed on their way to a head's output, so that
    /// any linear map commutes with it.
    /// </summary>
    [JsonStringEnumMemberName("dense")] Dense,
}
