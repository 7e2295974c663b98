using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Scale and minimum of a sub-block of Q4_K and Q5_K: halves d and dmin, then 12 bytes with 6 bits each.</summary>
internal static unsafe class KScales
{
    /// <summary>d · scale and dmin · minimum.</summary>
    /// <param name="block">The block.</param>
    /// <param name="sub">Index of the sub-block, 0 to 7.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Scale, Vector512<float> Minimum) Of(byte* block, int sub)
    {
        var s = block + 4;
        int scale, minimum;
        if (sub < 4) (scale, minimum) = (s[sub] & 63, s[sub + 4] & 63);
        else
            (scale, minimum) =
                ((s[sub + 4] & 15) | (s[sub - 4] >> 6 << 4), (s[sub + 4] >> 4) | (s[sub] >> 6 << 4));
        return (Vector512.Create(Widened.Half(block) * scale), Vector512.Create(Widened.Half(block + 2) * minimum));
    }
}
