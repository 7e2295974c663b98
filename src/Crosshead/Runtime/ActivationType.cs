using System.Text.Json.Serialization;

namespace Crosshead.Runtime;

/// <summary>
/// The coarsest numbers that the CPU rounds activations to, before it multiplies weights by them. Each weight has its
/// own: those of integers times a scale multiply numbers of 8 bits, those of bfloat16 multiply bfloat16, and all others
/// multiply float32.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<ActivationType>))]
public enum ActivationType
{
    /// <summary>Numbers of 8 bits, with a scale for 32 of them; and bfloat16.</summary>
    [JsonStringEnumMemberName("int8")]
    Int8,

    /// <summary>Only bfloat16: quantised weights multiply float32.</summary>
    [JsonStringEnumMemberName("bfloat16")]
    BFloat16,

    /// <summary>Activations are not rounded.</summary>
    [JsonStringEnumMemberName("float32")]
    Float32,
}
