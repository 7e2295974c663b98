using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Sums of sixteen lanes, in the one order of all products: lanes eight apart are added, then those four apart, two
/// apart and one apart. Several sums at once take fewer instructions each, and have the same bits.
/// </summary>
internal static class LaneSums
{
    /// <summary>The sum of one product's lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(Vector512<float> lanes)
    {
        var eight = lanes.GetLower() + lanes.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }

    /// <summary>The sums of four products, in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> OfFour(Vector512<float> a0, Vector512<float> a1, Vector512<float> a2,
        Vector512<float> a3)
    {
        var twos = PairTwos(Pair(a0, a1), Pair(a2, a3)); // of the first and third, then of the second and fourth
        var sums = Avx.Shuffle(twos, twos, 0b10_00_10_00) + Avx.Shuffle(twos, twos, 0b11_01_11_01);
        return Sse.UnpackLow(sums.GetLower(), sums.GetUpper());
    }

    /// <summary>The sums of eight products, in their order. Needs AVX-512.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OfEight(Vector512<float> a0, Vector512<float> a1, Vector512<float> a2,
        Vector512<float> a3, Vector512<float> a4, Vector512<float> a5, Vector512<float> a6, Vector512<float> a7)
    {
        // Of products 0, 4, 2 and 6 in the quarters of the first, of 1, 5, 3 and 7 in those of the second.
        var twos = Twos(Fours(Eights(a0, a4), Eights(a2, a6)), Fours(Eights(a1, a5), Eights(a3, a7)));
        var (low, high) = (twos.GetLower(), twos.GetUpper());
        return Avx.Shuffle(low, high, 0b10_00_10_00) + Avx.Shuffle(low, high, 0b11_01_11_01);
    }

    // Lanes eight apart of two products: eight sums of the first, then eight of the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Eights(Vector512<float> first, Vector512<float> second) =>
        Avx512F.Shuffle4x128(first, second, 0b01_00_01_00) + Avx512F.Shuffle4x128(first, second, 0b11_10_11_10);

    // Lanes four apart of two such pairs: four sums of each product.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fours(Vector512<float> first, Vector512<float> second) =>
        Avx512F.Shuffle4x128(first, second, 0b10_00_10_00) + Avx512F.Shuffle4x128(first, second, 0b11_01_11_01);

    // Lanes two apart: in each quarter two sums of a product of the first, then two of one of the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Twos(Vector512<float> first, Vector512<float> second) =>
        Avx512F.Shuffle(first, second, 0b01_00_01_00) + Avx512F.Shuffle(first, second, 0b11_10_11_10);

    // Lanes eight and four apart of two products: four sums of the first below four of the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pair(Vector512<float> first, Vector512<float> second)
    {
        var (a, b) = (first.GetLower() + first.GetUpper(), second.GetLower() + second.GetUpper());
        return Avx.Permute2x128(a, b, 0x20) + Avx.Permute2x128(a, b, 0x31);
    }

    // Lanes two apart of two pairs: in each half two sums of a product of the first, then two of one of the second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> PairTwos(Vector256<float> first, Vector256<float> second) =>
        Avx.Shuffle(first, second, 0b01_00_01_00) + Avx.Shuffle(first, second, 0b11_10_11_10);
}
