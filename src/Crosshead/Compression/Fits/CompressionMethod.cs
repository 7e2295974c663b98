using System.Text.Json.Serialization;

namespace Crosshead.Compression.Fits;

/// <summary>How component heads are fitted to a trained model.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CompressionMethod>))]
public enum CompressionMethod
{
    /// <summary>The paper's: singular vectors of the projections, one scalar a component and head; needs no text (arXiv 2601.19611, §5.2).</summary>
    [JsonStringEnumMemberName("svd")] Svd,

    /// <summary>Ours: calibrated on text, in closed form; keys composed by rotary frequency, weighted by the queries; values by matrices of any rank, weighted by the output projection.</summary>
    [JsonStringEnumMemberName("fine")] Fine,
}
