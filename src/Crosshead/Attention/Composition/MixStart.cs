using System.Text.Json.Serialization;

namespace Crosshead.Attention.Composition;

/// <summary>How the mixing matrices start.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MixStart>))]
public enum MixStart
{
    /// <summary>
    /// The identity where there are as many components as heads; otherwise random, in fine grains number by number.
    /// </summary>
    [JsonStringEnumMemberName("auto")] Auto,

    /// <summary>
    /// The identity, continued by zeros: the model starts as plain attention on the first heads.
    /// </summary>
    [JsonStringEnumMemberName("identity")] Identity,

    /// <summary>
    /// Random, normal with standard deviation 1/√c: one number for each component and head, also in fine grains.
    /// </summary>
    [JsonStringEnumMemberName("normal")] Normal,

    /// <summary>
    /// Each component is whole heads that are neighbours: the model starts as plain attention with c key/value heads.
    /// </summary>
    [JsonStringEnumMemberName("grouped")] Grouped,
}
