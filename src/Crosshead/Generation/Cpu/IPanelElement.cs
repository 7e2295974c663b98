using System.Runtime.Intrinsics;

namespace Crosshead.Generation.Cpu;

/// <summary>
/// An element type of panels. A panel is a matrix of 16 columns ("lanes") and any depth, laid out so that one vector
/// register holds a row of it: lane l of the product is Σ_k x[k] · panel[k, l]. Products with weights (lanes = outputs,
/// depth = inputs), with cached keys (lanes = positions, depth = head width) and with cached values (lanes = head width,
/// depth = positions) are all this one product. Sums are kept in float32.
/// </summary>
internal unsafe interface IPanelElement<TSelf> where TSelf : unmanaged, IPanelElement<TSelf>
{
    /// <summary>The nearest element.</summary>
    static abstract TSelf From(float value);

    /// <summary>The element's value.</summary>
    static abstract float ToSingle(TSelf element);

    /// <summary>Where element [k, lane] of a panel lies.</summary>
    static abstract long Index(long k, int lane);

    /// <summary>The product with one vector.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="depth">Rows to sum over, a multiple of <see cref="Panel.DepthStep"/>.</param>
    /// <param name="x">[depth]</param>
    static abstract Vector512<float> Multiply(TSelf* panel, int depth, float* x);

    /// <summary>The products with four vectors, which share the reading of the panel.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="depth">Rows to sum over, a multiple of <see cref="Panel.DepthStep"/>.</param>
    /// <param name="x">The first vector; the next ones lie <paramref name="stride"/> further.</param>
    /// <param name="stride">Elements from vector to vector.</param>
    /// <param name="y">Gets 16 sums for each vector.</param>
    /// <param name="yStride">Elements from result to result.</param>
    static abstract void Multiply4(TSelf* panel, int depth, float* x, int stride, float* y, int yStride);
}
