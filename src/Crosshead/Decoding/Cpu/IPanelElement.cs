using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// An element type of panels. A panel is a matrix of 16 columns ("lanes") and any depth. One vector register holds one
/// row of a panel. Lane l of the product is Σ_k x[k] · panel[k, l]. <see cref="Panel.Multiply"/> computes all products:
/// with weights (lanes = outputs, depth = inputs); with cached keys (lanes = positions, depth = key width); with cached
/// values (lanes = value width, depth = positions). Sums are kept in float32, or exactly in int32.
/// </summary>
internal unsafe interface IPanelElement<TSelf> where TSelf : unmanaged, IPanelElement<TSelf>
{
    /// <summary>
    /// Whether elements are multiples of a scale that is kept beside them. Then vectors go through
    /// <see cref="Encode"/>, and products through <see cref="Decode"/>.
    /// </summary>
    static virtual bool HasScales => false;

    /// <summary>Whether vectors are rounded, in place, by <see cref="Encode"/> although there are no scales.</summary>
    static virtual bool RoundsVectors => false;

    /// <summary>Products in machine code; null for those of <see cref="PanelTiles"/>.</summary>
    static virtual PanelPairTiles? Tiles => null;

    /// <summary>The largest element of a type with scales.</summary>
    static virtual float Largest => throw new NotSupportedException();

    /// <summary>Words of 4 bytes that two numbers of an encoded vector take.</summary>
    static virtual int WordsPerPair => 2;

    /// <summary>Rounds a value to the nearest element.</summary>
    static abstract TSelf From(float value);

    /// <summary>Writes numbers into a lane of a panel, one below the other.</summary>
    /// <param name="numbers">The numbers.</param>
    /// <param name="factor">What each is multiplied by first.</param>
    /// <param name="count">How many.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="k">Row of the first.</param>
    /// <param name="lane">The lane.</param>
    static virtual void WriteLane(float* numbers, float factor, int count, TSelf* panel, int k, int lane)
    {
        for (var i = 0; i < count; i++) panel[TSelf.Index(k + i, lane)] = TSelf.From(numbers[i] * factor);
    }

    /// <summary>Writes numbers into a row of a panel, from lane 0 on.</summary>
    /// <param name="numbers">The numbers.</param>
    /// <param name="factor">What each is multiplied by first.</param>
    /// <param name="count">How many, at most 16.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="k">The row.</param>
    static virtual void WriteRow(float* numbers, float factor, int count, TSelf* panel, int k)
    {
        for (var i = 0; i < count; i++) panel[TSelf.Index(k, i)] = TSelf.From(numbers[i] * factor);
    }

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

    /// <summary>Numbers k and k + 1 of a vector in every lane.</summary>
    /// <param name="x">Address of number k of the encoded vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual (Vector512<float> Even, Vector512<float> Odd) Broadcast(float* x) =>
        (Vector512.Create(x[0]), Vector512.Create(x[1]));

    /// <summary>Numbers k and k + 1 of a vector in every lane of half a row.</summary>
    /// <param name="x">Address of number k of the encoded vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual (Vector256<float> Even, Vector256<float> Odd) BroadcastHalf(float* x) =>
        (Vector256.Create(x[0]), Vector256.Create(x[1]));

    /// <summary>Adds the products of two numbers with two loaded rows to sums.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="sum">The sums, in the form that <see cref="Decode"/> reads.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual void MultiplyAdd((Vector512<float> Even, Vector512<float> Odd) x,
        (Vector512<float> Even, Vector512<float> Odd) rows, ref Vector512<float> sum)
    {
        // Each result is written to the sum, so that it stays in its register.
        sum = Vector512.FusedMultiplyAdd(x.Even, rows.Even, sum);
        sum = Vector512.FusedMultiplyAdd(x.Odd, rows.Odd, sum);
    }

    /// <summary>Adds the products of two numbers with two loaded half rows to sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual void MultiplyAdd((Vector256<float> Even, Vector256<float> Odd) x,
        (Vector256<float> Even, Vector256<float> Odd) rows, ref Vector256<float> sum)
    {
        sum = Vector256.FusedMultiplyAdd(x.Even, rows.Even, sum);
        sum = Vector256.FusedMultiplyAdd(x.Odd, rows.Odd, sum);
    }

    /// <summary>Writes a vector in the form that products read, and returns what its products must be multiplied
    /// by.</summary>
    /// <param name="x">The vector.</param>
    /// <param name="count">Its length, a multiple of <see cref="Panel.DepthStep"/>.</param>
    /// <param name="encoded">Receives it.</param>
    static virtual float Encode(float* x, int count, float* encoded)
    {
        new ReadOnlySpan<float>(x, count).CopyTo(new Span<float>(encoded, count));
        return 1;
    }

    /// <summary>
    /// Stores weights of a softmax, as <see cref="Encode"/> does where vectors are rounded. Weights before these may
    /// be stored already in less room, those after them not yet.
    /// </summary>
    /// <param name="weights">The weights: 0, or above 2⁻¹²⁶.</param>
    /// <param name="x">All weights.</param>
    /// <param name="index">The first of these.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual void StoreWeights(Vector512<float> weights, float* x, int index) => weights.Store(x + index);

    /// <summary>The numbers of sums.</summary>
    static virtual Vector512<float> Decode(Vector512<float> sums) => sums;
}
