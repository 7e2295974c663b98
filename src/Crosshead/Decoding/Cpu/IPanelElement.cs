using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// An element type of panels. A panel is a matrix of 16 columns ("lanes") and any depth, laid out so that one vector
/// register holds a row of it: lane l of the product is Σ_k x[k] · panel[k, l]. Products with weights (lanes = outputs,
/// depth = inputs), with cached keys (lanes = positions, depth = key width) and with cached values (lanes = value
/// width, depth = positions) are all this one product (<see cref="Panel.Multiply"/>). Sums are kept in float32.
/// </summary>
internal unsafe interface IPanelElement<TSelf> where TSelf : unmanaged, IPanelElement<TSelf>
{
    /// <summary>The nearest element.</summary>
    static abstract TSelf From(float value);

    /// <summary>The element's value.</summary>
    static abstract float ToSingle(TSelf element);

    /// <summary>The place of element [k, lane] in a panel.</summary>
    static abstract long Index(long k, int lane);

    /// <summary>Rows k and k + 1 of a panel, k even.</summary>
    /// <param name="rows">The panel, k · 16 elements further.</param>
    static abstract (Vector512<float> Even, Vector512<float> Odd) LoadRows(TSelf* rows);

    /// <summary>
    /// Lanes 0 to 7 (<paramref name="half"/> 0) or 8 to 15 (1) of rows k and k + 1 of a panel, k even.
    /// </summary>
    /// <param name="rows">The panel, k · 16 elements further.</param>
    /// <param name="half">0 or 1.</param>
    static abstract (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(TSelf* rows, int half);

    /// <summary>16 elements that lie side by side.</summary>
    static abstract Vector512<float> Load(TSelf* elements);
}
