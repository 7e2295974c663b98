using System.Text.Json.Serialization;

namespace Crosshead.Attention.Caches;

/// <summary>The type of the numbers in a cache.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CacheType>))]
public enum CacheType
{
    /// <summary>8 bytes, for models that compute in float64.</summary>
    [JsonStringEnumMemberName("float64")]
    Float64,

    /// <summary>4 bytes.</summary>
    [JsonStringEnumMemberName("float32")]
    Float32,

    /// <summary>2 bytes: a float32 number with 8 bits of precision.</summary>
    [JsonStringEnumMemberName("bfloat16")]
    BFloat16,

    /// <summary>1 byte, a multiple of a scale that several numbers of a token share.</summary>
    [JsonStringEnumMemberName("int8")]
    Int8,

    /// <summary>1 byte, a number of e4m3 (4 bits of exponent, 3 of mantissa) times a shared scale.</summary>
    [JsonStringEnumMemberName("fp8")]
    Fp8,
}
