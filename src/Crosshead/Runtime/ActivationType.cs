using System.Text.Json.Serialization;

namespace Crosshead.Runtime;

/// <summary>What the CPU multiplies quantised weights by. Weights that are not quantised are multiplied in
/// float32.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ActivationType>))]
public enum ActivationType
{
    /// <summary>Numbers of 8 bits, with a scale for 32 of them.</summary>
    [JsonStringEnumMemberName("int8")]
    Int8,

    /// <summary>The numbers themselves.</summary>
    [JsonStringEnumMemberName("float32")]
    Float32,
}
