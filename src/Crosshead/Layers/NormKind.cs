using System.Text.Json.Serialization;

namespace Crosshead.Layers;

/// <summary>The norms of a model's residual stream.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NormKind>))]
public enum NormKind
{
    /// <summary>RMSNorm (Zhang and Sennrich, 2019): x is divided by its root mean square.</summary>
    [JsonStringEnumMemberName("rms")] Rms,

    /// <summary>LayerNorm without a bias (Ba et al., 2016): the mean of x is subtracted before.</summary>
    [JsonStringEnumMemberName("layer")] Layer,
}
