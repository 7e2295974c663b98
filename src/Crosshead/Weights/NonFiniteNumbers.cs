using System.Numerics;
using System.Runtime.CompilerServices;

namespace Crosshead.Weights;

/// <summary>
/// Counts floating-point numbers that are NaN or infinite: those whose exponent is all ones. Every weight of a model is
/// looked at before its first token, so these methods are compiled at their best at once.
/// </summary>
internal static class NonFiniteNumbers
{
    /// <summary>How many numbers are NaN or infinite.</summary>
    /// <param name="values">The bits of the numbers.</param>
    /// <param name="exponent">The bits of the exponent.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Count<T>(ReadOnlySpan<T> values, T exponent) where T : unmanaged, IBinaryInteger<T> =>
        Any(values, exponent) ? CountOneByOne(values, exponent) : 0;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Any<T>(ReadOnlySpan<T> values, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        var found = Vector<T>.Zero;
        var at = 0;
        for (; at <= values.Length - Vector<T>.Count; at += Vector<T>.Count)
            found |= Vector.Equals(new Vector<T>(values[at..]) & mask, mask);
        return found != Vector<T>.Zero || CountOneByOne(values[at..], exponent) > 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long CountOneByOne<T>(ReadOnlySpan<T> values, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var count = 0L;
        foreach (var value in values)
        {
            if ((value & exponent) == exponent) count++;
        }
        return count;
    }
}
