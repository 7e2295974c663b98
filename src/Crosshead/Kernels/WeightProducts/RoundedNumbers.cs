using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Numbers rounded to bfloat16, to the nearest, ties to even.</summary>
internal static class RoundedNumbers
{
    /// <summary>The bits of the rounded numbers, in the upper halves. Those below 2⁻¹²⁶ become zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Of(Vector512<float> numbers)
    {
        var bits = numbers.AsUInt32();
        var magnitude = bits & Vector512.Create(0x7fffffffu);
        return Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(0x800000u)),
            bits & Vector512.Create(0x80000000u), Nearest(numbers) & Vector512.Create(0xffff0000u));
    }

    /// <summary>
    /// The bits of the rounded numbers, in the upper halves. The lower halves hold what is left over.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Nearest(Vector512<float> numbers)
    {
        var bits = numbers.AsUInt32();
        // Carries into the upper half where the lower one is above a half, or is a half and the upper one odd.
        var rounded = bits + (Vector512.Create(0x7fffu) + ((bits >>> 16) & Vector512<uint>.One));
        return Vector512.ConditionalSelect(Vector512.Equals(numbers, numbers).AsUInt32(), rounded,
            bits | Vector512.Create(0x400000u)); // what is no number stays so
    }
}
