using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// An element type of panels. A panel is a matrix of 16 columns ("lanes") and any depth. One vector register holds one
/// row of a panel. Lane l of the product is Σ_k x[k] · panel[k, l]. <see cref="Panel.Multiply"/> computes all products:
/// with weights (lanes = outputs, depth = inputs); with cached keys (lanes = positions, depth = key width); with cached
/// values (lanes = value width, depth = positions). Sums are kept in float32.
/// </summary>
internal unsafe interface IPanelElement<TSelf> where TSelf : unmanaged, IPanelElement<TSelf>
{
    /// <summary>Rounds a value to the nearest element.</summary>
    static abstract TSelf From(float value);

    /// <summary>The element's value.</summary>
    static abstract float ToSingle(TSelf element);

    /// <summary>Index of element [k, lane] in a panel.</summary>
    static abstract long Index(long k, int lane);

    /// <summary>Loads rows k and k + 1 of a panel; k is even.</summary>
    /// <param name="rows">Address of row k: the panel plus k · 16 elements.</param>
    static abstract (Vector512<float> Even, Vector512<float> Odd) LoadRows(TSelf* rows);

    /// <summary>
    /// Loads lanes 0 to 7 (<paramref name="half"/> 0) or 8 to 15 (1) of rows k and k + 1 of a panel; k is even.
    /// </summary>
    /// <param name="rows">Address of row k: the panel plus k · 16 elements.</param>
    /// <param name="half">0 or 1.</param>
    static abstract (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(TSelf* rows, int half);

    /// <summary>Loads 16 consecutive elements.</summary>
    static abstract Vector512<float> Load(TSelf* elements);
}
