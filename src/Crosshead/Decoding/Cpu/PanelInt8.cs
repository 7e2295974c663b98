using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// An int8 element of a panel: [depth/2][16][2], in units of a scale. Vectors are int16 in units of their own scale,
/// and sums are int32. An instruction adds the products of two rows. Sums are exact, so their order does not matter.
/// </summary>
internal readonly unsafe struct PanelInt8 : IPanelElement<PanelInt8>
{
    /// <summary>Largest depth of a sum: 512 · 127 · 32,767 is less than 2³¹.</summary>
    public const int MostDepth = 512;

    private const float LargestInput = short.MaxValue;

    private readonly sbyte _value;

    private PanelInt8(sbyte value) => _value = value;

    public static bool HasScales => true;

    public static PanelPairTiles? Tiles => PanelPairTiles.Int8;

    public static float Largest => sbyte.MaxValue;

    public static int WordsPerPair => 1;

    public static PanelInt8 From(float value) => float.IsNaN(value) ? default
        : new((sbyte)MathF.Round(Math.Clamp(value, -Largest, Largest)));

    public static float ToSingle(PanelInt8 element) => element._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => ((((k >> 1) * Panel.Lanes) + lane) << 1) + (k & 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) LoadRows(PanelInt8* rows)
    {
        var pairs = Avx512BW.IsSupported
            ? Avx512BW.ConvertToVector512Int16(Vector256.Load((sbyte*)rows)).AsSingle()
            : Vector512.Create(HalfRows(rows, 0), HalfRows(rows, 1));
        return (pairs, default);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(PanelInt8* rows, int half) =>
        (HalfRows(rows, half), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) Broadcast(float* x) => (Vector512.Create(*x), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) BroadcastHalf(float* x) =>
        (Vector256.Create(*x), default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd((Vector512<float> Even, Vector512<float> Odd) x,
        (Vector512<float> Even, Vector512<float> Odd) rows, ref Vector512<float> sum)
    {
        sum = Avx512BW.IsSupported
            ? (sum.AsInt32() + Avx512BW.MultiplyAddAdjacent(rows.Even.AsInt16(), x.Even.AsInt16())).AsSingle()
            : Vector512.Create(MultiplyAdd(x.Even.GetLower(), rows.Even.GetLower(), sum.GetLower()),
                MultiplyAdd(x.Even.GetUpper(), rows.Even.GetUpper(), sum.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd((Vector256<float> Even, Vector256<float> Odd) x,
        (Vector256<float> Even, Vector256<float> Odd) rows, ref Vector256<float> sum) =>
        sum = MultiplyAdd(x.Even, rows.Even, sum);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Encode(float* x, int count, float* encoded)
    {
        var largest = RowMath.LargestMagnitude(x, count);
        var inverse = LargestInput / largest;
        if (!float.IsFinite(inverse)) inverse = 0;
        var target = (short*)encoded;
        var shift = Vector512.Create(12582912f); // 1.5·2²³: adding it rounds to an integer, kept in the low bits
        for (var i = 0; i < count; i += Panel.Lanes)
        {
            var rounded = ((Vector512.Load(x + i) * inverse) + shift).AsInt32() - shift.AsInt32();
            var narrow = Avx512F.IsSupported ? Avx512F.ConvertToVector256Int16(rounded)
                : Vector256.Narrow(rounded.GetLower(), rounded.GetUpper());
            narrow.Store(target + i);
        }
        return largest / LargestInput;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Decode(Vector512<float> sums) => Vector512.ConvertToSingle(sums.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> HalfRows(PanelInt8* rows, int half) =>
        Avx2.ConvertToVector256Int16(Vector128.Load((sbyte*)rows + (half * Vector128<sbyte>.Count))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> MultiplyAdd(Vector256<float> pair, Vector256<float> rows, Vector256<float> sum) =>
        (sum.AsInt32() + Avx2.MultiplyAddAdjacent(rows.AsInt16(), pair.AsInt16())).AsSingle();
}
