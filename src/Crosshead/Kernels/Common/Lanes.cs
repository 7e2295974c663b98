using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.Common;

/// <summary>What kernels do with sixteen float32 lanes.</summary>
internal static unsafe class Lanes
{
    /// <summary>Lanes of a vector.</summary>
    public const int Count = 16;

    /// <summary>All bits set in the first <paramref name="count"/> lanes, none in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> First(int count) =>
        Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    /// <summary>
    /// Elements <paramref name="index"/> … of a row of <paramref name="length"/>; lanes past its end are 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<T>(T* row, int index, int length) where T : unmanaged, IElement<T> =>
        index + Count <= length ? T.Load(row + index) : T.Load(row + index, length - index);

    /// <summary>
    /// Elements <paramref name="index"/> … of a row of <paramref name="length"/>; lanes past its end are
    /// <paramref name="beyond"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<T>(T* row, int index, int length, float beyond) where T : unmanaged,
        IElement<T> =>
        index + Count <= length
            ? T.Load(row + index)
            : Vector512.ConditionalSelect(First(length - index), T.Load(row + index, length - index),
                Vector512.Create(beyond));

    /// <summary>
    /// Writes elements <paramref name="index"/> … of a row of <paramref name="length"/>, none past its end.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(T* row, int index, int length, Vector512<float> values) where T : unmanaged, IElement<T>
    {
        if (index + Count <= length) T.Store(row + index, values);
        else T.Store(row + index, values, length - index);
    }

    /// <summary>The largest lane; not-a-number where any lane is.</summary>
    public static float Max(Vector512<float> values)
    {
        var half = Vector256.Max(values.GetLower(), values.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }

    /// <summary>
    /// eˣ to about 1 unit in the last place for x ≤ 88.3, 0 below −87.3: 2ⁿ·p(r) with n = round(x/ln 2) and |r| ≤ ln
    /// 2/2. Larger x are taken as 88.3, so the result is always finite, except that not-a-number stays itself.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // the second operand is what passes a not-a-number on
        var bounded = Vector512.MinNative(Vector512.Create(88.3f), x);
        var shift = Vector512.Create(12582912f); // 1.5·2²³: adding it rounds to an integer, kept in the low bits
        var shifted = Vector512.FusedMultiplyAdd(bounded, Vector512.Create(1.44269504f), shift);
        var n = shifted - shift;
        // ln 2 in two parts, n·first exact
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693145752f), bounded);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-1.42860677e-6f), r);
        var p = Vector512.Create(1.381456933e-3f); // minimax from r² on: relative error 3.1e-9
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.368730992e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.166838942e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.666652052e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.999999344e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        var result = (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(bounded, Vector512.Create(-87.3f)),
            Vector512<float>.Zero, result);
    }

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x) =>
        Vector512<float>.One / (Vector512<float>.One + Exp(-x));
}
