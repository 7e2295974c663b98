using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// <see cref="QuadProducts"/> of a format with blocks of 32 columns. Four rows that lie a quarter of all rows apart are
/// multiplied together: memory is read as four streams without a gap, which the processor fetches ahead by itself.
/// </summary>
[SkipLocalsInit] // inputs are arranged before they are read
internal sealed unsafe class SmallQuadProducts<T> : QuadProducts where T : unmanaged, ISmallQuad
{
    // The inputs of four runs: the first halves of their codes, the other halves, then four times for each run d, and
    // the next number of its record.
    private const int Second = 64, Scales = 128, Numbers = 192, InputBytes = 256;

    /// <inheritdoc/>
    public override void Multiply(byte* w, long stride, int rows, int columns, byte* records, float* y)
    {
        var memory = stackalloc byte[(columns / Columns * InputBytes) + 64];
        var x = (byte*)(((nint)memory + 63) / 64 * 64);
        Arrange(records, columns, x);
        var quarter = rows / 4;
        for (var row = 0; row < quarter; row++)
        {
            var sums = Four(w + (row * stride), quarter * stride, columns, x);
            for (var i = 0; i < 4; i++) y[row + (i * quarter)] = sums[i];
        }
        for (var row = 4 * quarter; row < rows; row++) y[row] = Four(w + (row * stride), 0, columns, x)[0];
    }

    private static void Arrange(byte* records, int columns, byte* x)
    {
        for (var end = x + (columns / Columns * InputBytes); x < end; x += InputBytes)
        {
            for (var run = 0; run < 4; run++, records += InputCodes.RecordBytes)
            {
                var at = x + (16 * run);
                var numbers = (int*)(records + InputCodes.Columns);
                Vector128.Load(records).Store(at);
                Vector128.Load(records + 16).Store(at + Second);
                Vector128.Create(numbers[0]).Store((int*)(at + Scales));
                Vector128.Create(numbers[1]).Store((int*)(at + Numbers));
            }
        }
    }

    // Four rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector128<float> Four(byte* w, long stride, int columns, byte* x)
    {
        var sums = Vector128<float>.Zero;
        for (var end = w + ((long)columns / InputCodes.Columns * T.Bytes); w < end; w += 4 * T.Bytes, x += InputBytes)
        {
            var products = T.Multiply(w, stride, Vector512.Load((sbyte*)x), Vector512.Load((sbyte*)(x + Second)),
                out var halves);
            if (T.IsCentered) products += Vector512.Load((int*)(x + Numbers));
            var p = Vector512.ConvertToSingle(products);
            var s = QuadLanes.UpperHalves(T.HasMinimum ? halves << 16 : halves) * Vector512.Load((float*)(x + Scales));
            var m = T.HasMinimum ? QuadLanes.UpperHalves(halves) : default;
            var n = Vector512.Load((float*)(x + Numbers));
            sums = Add(sums, p, s, m, n, 0);
            sums = Add(sums, p, s, m, n, 1);
            sums = Add(sums, p, s, m, n, 2);
            sums = Add(sums, p, s, m, n, 3);
        }
        return sums;
    }

    // Adds a run: scale · products + minimum · (sum of the inputs).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add(Vector128<float> sums, Vector512<float> products, Vector512<float> scales,
        Vector512<float> minima, Vector512<float> inputs, [ConstantExpected] byte run)
    {
        sums = Vector128.FusedMultiplyAdd(Avx512F.ExtractVector128(products, run),
            Avx512F.ExtractVector128(scales, run), sums);
        return T.HasMinimum ? Vector128.FusedMultiplyAdd(Avx512F.ExtractVector128(minima, run),
            Avx512F.ExtractVector128(inputs, run), sums) : sums;
    }
}
