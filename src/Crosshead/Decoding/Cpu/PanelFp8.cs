using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// An element of 8 bits of a panel, [depth][16], in units of a scale: a sign, four bits of exponent and three of
/// mantissa (e4m3, without infinities). Its largest value is 448.
/// </summary>
internal readonly unsafe struct PanelFp8 : IPanelElement<PanelFp8>
{
    private const int DroppedBits = 20;          // of float32's mantissa
    private const uint MostBits = 0x7e;
    private const float LeastNormal = 1 / 64f, StepBelow = 1 / 512f;
    private const uint ExponentShift = 120 << 3; // between the exponents of float32 and e4m3
    private const float Unshift = 1.329228e36f;  // 2¹²⁰
    private const int KeptBits = unchecked((int)0x87f00000);

    private readonly byte _bits;

    private PanelFp8(uint bits) => _bits = (byte)bits;

    public static bool HasScales => true;

    public static float Largest => 448;

    public static PanelFp8 From(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var (sign, size) = (bits >> 24 & 0x80, bits & 0x7fffffff);
        if (MathF.Abs(value) < LeastNormal) // subnormal, or the least normal number after rounding
            return new PanelFp8(sign | (uint)MathF.Round(MathF.Abs(value) / StepBelow));
        var rounded = (size + (1u << (DroppedBits - 1)) - 1 + (size >> DroppedBits & 1)) >> DroppedBits; // ties to even
        return new PanelFp8(sign | Math.Min(rounded - ExponentShift, MostBits));
    }

    public static float ToSingle(PanelFp8 element) => Unshift * BitConverter.UInt32BitsToSingle(
        ((element._bits & 0x7fu) << DroppedBits) | ((element._bits & 0x80u) << 24));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => (k * Panel.Lanes) + lane;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) LoadRows(PanelFp8* rows) =>
        (Widen((sbyte*)rows), Widen((sbyte*)rows + Panel.Lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(PanelFp8* rows, int half)
    {
        var even = (sbyte*)rows + (half * Vector256<float>.Count);
        return (WidenHalf(even), WidenHalf(even + Panel.Lanes));
    }

    // The sign is extended, and the exponent is 120 too small; small numbers are float32's subnormal numbers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(sbyte* elements)
    {
        if (!Avx512F.IsSupported)
            return Vector512.Create(WidenHalf(elements), WidenHalf(elements + Vector256<float>.Count));
        var bits = Avx512F.ConvertToVector512Int32(Vector128.Load(elements)) << DroppedBits;
        return (bits & Vector512.Create(KeptBits)).AsSingle() * Unshift;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> WidenHalf(sbyte* elements) =>
        ((Avx2.ConvertToVector256Int32(elements) << DroppedBits) & Vector256.Create(KeptBits)).AsSingle() * Unshift;
}
