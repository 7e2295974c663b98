using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Kernels.WeightProducts;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// A bfloat16 element of a panel, as <see cref="PanelBFloat16"/>, whose vectors are rounded to bfloat16 too. All
/// products are exact then, and processors with AVX512_BF16 add two at once (<see cref="PanelPairTiles.BFloat16"/>).
/// The sums are the same bit for bit without: of each two products the second is added first.
/// </summary>
internal readonly unsafe struct PanelBFloat16Products : IPanelElement<PanelBFloat16Products>
{
    private const int Bits = 16;

    private readonly PanelBFloat16 _element;

    private PanelBFloat16Products(PanelBFloat16 element) => _element = element;

    public static bool RoundsVectors => true;

    public static PanelPairTiles? Tiles => PanelPairTiles.BFloat16;

    public static int WordsPerPair => Tiles is null ? 2 : 1;

    public static PanelBFloat16Products From(float value) => new(PanelBFloat16.From(value));

    public static float ToSingle(PanelBFloat16Products element) => PanelBFloat16.ToSingle(element._element);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => PanelBFloat16.Index(k, lane);

    public static void WriteLane(float* numbers, float factor, int count, PanelBFloat16Products* panel, int k,
        int lane) => PanelBFloat16.WriteLane(numbers, factor, count, (PanelBFloat16*)panel, k, lane);

    public static void WriteRow(float* numbers, float factor, int count, PanelBFloat16Products* panel, int k) =>
        PanelBFloat16.WriteRow(numbers, factor, count, (PanelBFloat16*)panel, k);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> Even, Vector512<float> Odd) LoadRows(PanelBFloat16Products* rows) =>
        PanelBFloat16.LoadRows((PanelBFloat16*)rows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Even, Vector256<float> Odd) LoadHalfRows(PanelBFloat16Products* rows, int half) =>
        PanelBFloat16.LoadHalfRows((PanelBFloat16*)rows, half);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd((Vector512<float> Even, Vector512<float> Odd) x,
        (Vector512<float> Even, Vector512<float> Odd) rows, ref Vector512<float> sum)
    {
        sum = Vector512.FusedMultiplyAdd(x.Odd, rows.Odd, sum);
        sum = Vector512.FusedMultiplyAdd(x.Even, rows.Even, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd((Vector256<float> Even, Vector256<float> Odd) x,
        (Vector256<float> Even, Vector256<float> Odd) rows, ref Vector256<float> sum)
    {
        sum = Vector256.FusedMultiplyAdd(x.Odd, rows.Odd, sum);
        sum = Vector256.FusedMultiplyAdd(x.Even, rows.Even, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreWeights(Vector512<float> weights, float* x, int index)
    {
        // What is no number may become one: the sum of the weights is none then.
        var bits = weights.AsUInt32();
        var rounded = bits + (Vector512.Create(0x7fffu) + ((bits >>> Bits) & Vector512<uint>.One));
        if (Tiles is not null) Avx512F.ConvertToVector256UInt16(rounded >>> Bits).Store((ushort*)x + index);
        else (rounded & Vector512.Create(0xffff0000u)).AsSingle().Store(x + index);
    }

    /// <summary>
    /// Rounds a vector, in place too: to words of two numbers for <see cref="Tiles"/>, otherwise to float32.
    /// </summary>
    /// <param name="x">The vector.</param>
    /// <param name="count">Its length, a multiple of 16.</param>
    /// <param name="encoded">Receives it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Encode(float* x, int count, float* encoded)
    {
        var isPacked = Tiles is not null;
        for (var i = 0; i < count; i += Panel.Lanes)
        {
            var rounded = RoundedNumbers.Of(Vector512.Load(x + i));
            if (isPacked) Avx512F.ConvertToVector256UInt16(rounded >>> Bits).Store((ushort*)encoded + i);
            else rounded.AsSingle().Store(encoded + i);
        }
        return 1;
    }
}
