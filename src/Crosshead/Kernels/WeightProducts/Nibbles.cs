using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Elements of 4 and 5 bits.</summary>
internal static unsafe class Nibbles
{
    /// <summary>The values of four bits.</summary>
    public static Vector512<float> Codes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }

    /// <summary>
    /// The table's values for the elements of 16 bytes: the lower halves of the bytes, then the upper halves.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Low, Vector512<float> High) Looked(byte* at, Vector512<float> table)
    {
        var bytes = Widened.Bytes(at);
        return (Looked(bytes, table), Looked(bytes >>> 4, table));
    }

    /// <summary>The table's values for the lower or the upper halves of 32 bytes.</summary>
    /// <param name="at">The bytes.</param>
    /// <param name="shift">0 for the lower halves, 4 for the upper.</param>
    /// <param name="table">A value for each element.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Looked(byte* at, int shift, Vector512<float> table)
        => (Looked(Widened.Bytes(at) >>> shift, table), Looked(Widened.Bytes(at + 16) >>> shift, table));

    /// <summary>
    /// The 32 elements of 16 bytes, lower halves first, each with a fifth bit. That of element i is bit i of a word.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<int> Low, Vector512<int> High) WithFifth(byte* at, uint fifth)
    {
        var bytes = Widened.Bytes(at);
        return ((bytes & Vector512.Create(15)) | Sixteen(fifth), (bytes >>> 4) | Sixteen(fifth >> 16));
    }

    // The lower four bits of each lane choose.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Looked(Vector512<int> codes, Vector512<float> table)
    {
        if (CpuVectors.Are512Bits) return Avx512F.PermuteVar16x32(table, codes);
        return Vector512.Create(Looked(codes.GetLower(), table), Looked(codes.GetUpper(), table));
    }

    // Three bits choose from each half of the table, and the fourth, moved to the sign, chooses the half.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Looked(Vector256<int> codes, Vector512<float> table) => Avx.BlendVariable(
        Avx2.PermuteVar8x32(table.GetLower(), codes), Avx2.PermuteVar8x32(table.GetUpper(), codes),
        (codes << 28).AsSingle());

    // 16 in the lanes whose bit is set.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Sixteen(uint bits)
    {
        var lanes = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        var set = Vector512.Equals(Vector512.Create((int)(bits & 0xffff)) & lanes, lanes);
        return set & Vector512.Create(16);
    }
}
