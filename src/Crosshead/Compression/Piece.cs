using Crosshead.Compression.Fits;

namespace Crosshead.Compression;

/// <summary>The keys or the values of one layer's cache at one size.</summary>
/// <param name="OfKeys">True for keys, false for values.</param>
/// <param name="Method">The method of the fit.</param>
/// <param name="Size">Number of key components c or value rank r; 0 for whole heads.</param>
/// <param name="Numbers">Number of cached numbers per token.</param>
internal sealed record Piece(bool OfKeys, CompressionMethod Method, int Size, int Numbers)
{
    /// <summary>Number of equal steps between 0 and whole heads at which value sizes are tried.</summary>
    public const int ValueSteps = 16;

    /// <summary>Returns all pieces of a layer with g heads of width d, except whole heads.</summary>
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

    /// <summary>Returns the piece of whole keys or whole values.</summary>
    public static Piece Whole(bool ofKeys, CompressionMethod method, int groups, int headDim) =>
        new(ofKeys, method, 0, groups * headDim);
}
