using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Weights;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// A bfloat16 element of a panel: [depth/2][16][2]. Elements k and k + 1 of a lane are neighbours. So one load of 32
/// elements gives two registers of float32, by a shift and a mask.
/// </summary>
internal readonly unsafe struct PanelBFloat16 : IPanelElement<PanelBFloat16>
{
    private readonly ushort _bits;

    private PanelBFloat16(ushort bits) => _bits = bits;

    public static PanelBFloat16 From(float value) => new(FloatBlockWriter.Upper(value));

    /// <summary>The smallest element that is not below a positive value.</summary>
    public static PanelBFloat16 Above(float value) =>
        float.IsFinite(value) ? new((ushort)((BitConverter.SingleToUInt32Bits(value) + 0xffff) >> 16)) : From(value);

    public static float ToSingle(PanelBFloat16 element) => BitConverter.UInt32BitsToSingle((uint)element._bits << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => ((((k >> 1) * Panel.Lanes) + lane) << 1) + (k & 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteLane(float* numbers, float factor, int count, PanelBFloat16* panel, int k, int lane)
    {
        var i = 0;
        var pairs = stackalloc uint[Panel.Lanes];
        for (; k % 2 == 0 && i <= count - (2 * Panel.Lanes); i += 2 * Panel.Lanes)
        {
            Vector512.Narrow(Rounded(numbers + i, factor), Rounded(numbers + i + Panel.Lanes, factor)).AsUInt32()
                .Store(pairs);
            var to = (uint*)(panel + Index(k + i, lane));
            for (var pair = 0; pair < Panel.Lanes; pair++) to[pair * Panel.Lanes] = pairs[pair];
        }
        for (; i < count; i++) panel[Index(k + i, lane)] = From(numbers[i] * factor);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteRow(float* numbers, float factor, int count, PanelBFloat16* panel, int k)
    {
        var i = 0;
        if (count == Panel.Lanes)
        {
            var bits = stackalloc uint[Panel.Lanes];
            Rounded(numbers, factor).Store(bits);
            // Another thread may write the other numbers of the pairs, so each is stored by itself.
            var to = (ushort*)(panel + Index(k, 0));
            for (; i < Panel.Lanes; i++) to[2 * i] = (ushort)bits[i];
        }
        for (; i < count; i++) panel[Index(k, i)] = From(numbers[i] * factor);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) LoadRows(PanelBFloat16* rows)
    {
        var pairs = Vector512.Load((uint*)rows);
        return ((pairs << 16).AsSingle(), (pairs & Vector512.Create(0xffff0000u)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(PanelBFloat16* rows, int half)
    {
        var pairs = Vector256.Load((uint*)rows + (half * Vector256<uint>.Count));
        return ((pairs << 16).AsSingle(), (pairs & Vector256.Create(0xffff0000u)).AsSingle());
    }

    // The bits of sixteen elements, as From rounds.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Rounded(float* numbers, float factor) =>
        RoundedNumbers.Nearest(Vector512.Load(numbers) * factor) >>> 16;

    /// <summary>Loads 16 consecutive elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(PanelBFloat16* elements)
    {
        var (low, high) = Vector256.Widen(Vector256.Load((ushort*)elements));
        return (Vector512.Create(low, high) << 16).AsSingle();
    }
}
