using System.Text.Json.Serialization;

namespace Crosshead.Attention.Composition;

/// <summary>How the mixing matrices start.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MixStart>))]
public enum MixStart
{
    /// <summary>The identity where there are as many components as heads, otherwise random.</summary>
    [JsonStringEnumMemberName("auto")] Auto,

    /// <summary>The identity, continued by zeros: the model starts as plain attention on the first heads.</summary>
    [JsonStringEnumMemberName("identity")] Identity,

    /// <summary>Random, normal with standard deviation 1/√c.</summary>
    [JsonStringEnumMemberName("normal")] Normal,
}
