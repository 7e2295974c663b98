using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>
/// How a cache keeps numbers, and how many bytes they take. All counts of a cache's bytes follow this.
/// </summary>
/// <param name="Type">The type of the numbers.</param>
/// <param name="ScaleGroup">Neighbouring numbers of a row that share a scale, in types that have scales. A longer row
/// has several scales.</param>
public sealed record CacheFormat(CacheType Type, int ScaleGroup)
{
    private const int ScaleBytes = 2;

    /// <summary>Creates the format of a type with the usual scales.</summary>
    public CacheFormat(CacheType type) : this(type, CacheOptions.UsualScaleGroup)
    {
    }

    /// <summary>Whether numbers are multiples of scales.</summary>
    public bool HasScales => Type is CacheType.Int8 or CacheType.Fp8;

    /// <summary>Bytes of a number.</summary>
    public int BytesPerNumber => Type switch
    {
        CacheType.Float64 => 8,
        CacheType.Float32 => 4,
        CacheType.BFloat16 => 2,
        _ => 1,
    };

    /// <summary>The format in which a model that computes in a precision keeps tokens unless told otherwise.</summary>
    public static CacheFormat Of(ScalarType type) => new(type switch
    {
        ScalarType.Float64 => CacheType.Float64,
        ScalarType.Float32 => CacheType.Float32,
        _ => CacheType.BFloat16,
    });

    /// <summary>Number of scales of a row.</summary>
    /// <param name="width">Numbers of the row.</param>
    public int ScalesOf(int width) => HasScales ? (width + ScaleGroup - 1) / ScaleGroup : 0;

    /// <summary>Bytes that a layer keeps per token, scales included.</summary>
    public long BytesPerToken(CacheLayout layout) => BytesOf(layout.Keys) + BytesOf(layout.Values)
        + ((long)layout.KeyFactors * (HasScales ? ScaleBytes : BytesPerNumber));

    private long BytesOf(CachedRows rows) =>
        (rows.Elements * BytesPerNumber) + ((long)rows.Count * ScalesOf(rows.Width) * ScaleBytes);
}
