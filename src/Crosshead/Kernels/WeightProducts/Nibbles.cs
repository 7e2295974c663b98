using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// The 32 elements of 16 bytes: the lower halves of the bytes are the first 16, the upper halves the others.
/// </summary>
internal static unsafe class Nibbles
{
    /// <summary>Elements of 4 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<int> Low, Vector512<int> High) Of(byte* at)
    {
        var bytes = Widened.Bytes(at);
        return (bytes & Vector512.Create(15), bytes >>> 4);
    }

    /// <summary>Elements of 5 bits; the fifth of element i is bit i of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<int> Low, Vector512<int> High) WithFifth(byte* at, uint fifth)
    {
        var (low, high) = Of(at);
        return (low | Bit(fifth), high | Bit(fifth >> 16));
    }

    // 16 where the lane's bit is set.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Bit(uint bits)
    {
        var lanes = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        var set = Vector512.Equals(Vector512.Create((int)(bits & 0xffff)) & lanes, lanes);
        return set & Vector512.Create(16);
    }
}
