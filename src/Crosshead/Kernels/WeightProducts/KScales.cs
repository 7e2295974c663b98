using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Scales and minima of Q4_K and Q5_K: halves d and dmin, then 12 bytes with eight scales and eight minima of 6 bits.
/// </summary>
internal static unsafe class KScales
{
    private const uint SixBits = 0x3f3f3f3f, FourBits = 0x0f0f0f0f, TwoBits = 0x03030303; // of each of four bytes

    /// <summary>d · scale of the eight runs, then dmin · minimum.</summary>
    /// <param name="block">The block.</param>
    /// <param name="scales">[16]; receives them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* scales)
    {
        var words = (uint*)(block + 4);
        var (a, b, c) = (words[0], words[1], words[2]);
        var packed = Vector128.Create(a & SixBits, (c & FourBits) | (((a >> 6) & TwoBits) << 4), b & SixBits,
            ((c >> 4) & FourBits) | (((b >> 6) & TwoBits) << 4)).AsByte();
        var (d, m) = (Vector256.Create(Halves.At(block)), Vector256.Create(Halves.At(block + 2)));
        (d * Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(packed))).Store(scales);
        var minima = Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(packed, 8));
        (m * Vector256.ConvertToSingle(minima)).Store(scales + 8);
    }
}
