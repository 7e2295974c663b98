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

    /// <summary>Returns all pieces of a layer, except whole heads.</summary>
    public static IEnumerable<Piece> All(PlainCache cache, params IReadOnlyCollection<CompressionMethod> methods)
    {
        foreach (var method in methods)
        {
            for (var c = 1; c < cache.KeyHeads; c++) yield return new Piece(true, method, c, c * cache.HeadDim);
            var step = method == CompressionMethod.Svd ? cache.HeadDim : Math.Max(1, cache.Values / ValueSteps);
            for (var r = step; r < cache.Values; r += step) yield return new Piece(false, method, r, r);
        }
    }

    /// <summary>Returns the piece of whole keys or whole values.</summary>
    public static Piece Whole(bool ofKeys, CompressionMethod method, PlainCache cache) =>
        new(ofKeys, method, 0, ofKeys ? cache.Keys : cache.Values);
}
