using Crosshead.Compression.Fits;

namespace Crosshead.Compression;

/// <summary>A part of a layer's cache at one size.</summary>
/// <param name="OfKeys">Whether it is the keys. False: the values.</param>
/// <param name="Method">How it is fitted.</param>
/// <param name="Size">Key components c or value rank r; 0 for whole heads.</param>
/// <param name="Numbers">Numbers kept per token.</param>
internal sealed record Piece(bool OfKeys, CompressionMethod Method, int Size, int Numbers)
{
    /// <summary>Number of value sizes that are tried, between none and whole heads.</summary>
    public const int ValueSteps = 16;

    /// <summary>The pieces of a layer with g heads of width d, without whole heads.</summary>
    public static IEnumerable<Piece> All(int groups, int headDim, params IReadOnlyCollection<CompressionMethod> methods)
    {
        var whole = groups * headDim;
        var step = Math.Max(1, whole / ValueSteps);
        foreach (var method in methods)
        {
            for (var c = 1; c < groups; c++) yield return new Piece(true, method, c, c * headDim);
            for (var r = method == CompressionMethod.Svd ? headDim
                : step; r < whole; r += method == CompressionMethod.Svd ? headDim : step)
                yield return new Piece(false, method, r, r);
        }
    }

    /// <summary>Whole keys or values.</summary>
    public static Piece Whole(bool ofKeys, CompressionMethod method, int groups, int headDim) =>
        new(ofKeys, method, 0, groups * headDim);
}
