using System.Text.Json.Serialization;

namespace Crosshead.Compression.Fits;

/// <summary>How component heads are fitted to a trained model.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CompressionMethod>))]
public enum CompressionMethod
{
    /// <summary>
    /// The paper's method: singular vectors of the projections, with one scalar per component and head. The method
    /// needs no text (arXiv 2601.19611, §5.2).
    /// </summary>
    [JsonStringEnumMemberName("svd")] Svd,

    /// <summary>
    /// Crosshead's method: calibrated on text, in closed form. Keys are composed per rotary frequency, or with matrices
    /// where they are not rotated, and weighted by the queries. Values are composed with matrices of any rank and
    /// weighted by the output projection.
    /// </summary>
    [JsonStringEnumMemberName("fine")] Fine,
}
