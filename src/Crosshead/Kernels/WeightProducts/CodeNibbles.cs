using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Codes of 4 and 5 bits in four rows.</summary>
internal static unsafe class CodeNibbles
{
    /// <summary>The lower halves of sixteen bytes of each row, and the upper halves.</summary>
    /// <param name="at">The bytes of the first row.</param>
    /// <param name="far">Bytes from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* at, long far)
    {
        var (bytes, four) = (CodeLanes.Four(at, far), Vector512.Create((byte)15));
        return (bytes & four, (bytes.AsUInt16() >>> 4).AsByte() & four);
    }

    /// <summary>The lower or the upper halves of 32 bytes of each row.</summary>
    /// <param name="at">The bytes of the first row.</param>
    /// <param name="far">Bytes from row to row.</param>
    /// <param name="shift">0 for the lower halves, 4 for the upper.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* at, long far, int shift)
    {
        var four = Vector512.Create((byte)15);
        return ((CodeLanes.Four(at, far).AsUInt16() >>> shift).AsByte() & four,
            (CodeLanes.Four(at + 16, far).AsUInt16() >>> shift).AsByte() & four);
    }

    /// <summary>
    /// As <see cref="Load(byte*, long)"/>, each with a fifth bit. That of element i is bit i of a word.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) LoadWithFifth(byte* at, byte* word, long far)
    {
        var ((first, second), bits) = (Load(at, far), CodeLanes.Four(word, far));
        return (first | Sixteen(bits, 0), second | Sixteen(bits, 2));
    }

    // 16 in the bytes whose bit is set: eight bits of a byte, then eight of the next.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Sixteen(Vector512<byte> bits, byte first)
    {
        var places = Vector256.Create(first) + Vector256.Create(
            (byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
        var bit = Vector512.Create(0x8040201008040201UL).AsByte();
        return Vector512.Equals(CodeLanes.Shuffle(bits, Vector512.Create(places, places)) & bit, bit)
            & Vector512.Create((byte)16);
    }
}
