using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// <see cref="QuadProducts"/> of a format with blocks of 256 columns. Sixteen neighbouring rows are multiplied
/// together, while the next sixteen are asked for, in the order of addresses: memory is read as one stream.
/// </summary>
[SkipLocalsInit] // scales are prepared before they are read
internal sealed unsafe class LargeQuadProducts<T> : QuadProducts where T : unmanaged, ILargeQuad
{
    private const int Lanes = RowProducts.Lanes, Runs = 8, Record = InputCodes.RecordBytes, Line = 64;

    // Blocks of sixteen rows, and of the next sixteen, that fit into the first cache.
    private const int CachedBlocks = 8;

    /// <inheritdoc/>
    public override void Multiply(byte* w, long stride, int rows, int columns, byte* records, float* y)
    {
        var (blocks, whole) = (columns / (Runs * InputCodes.Columns), rows / Lanes * Lanes);
        for (var row = 0; row < whole; row += Lanes)
            Sixteen(w + (row * stride), stride, blocks, records, w + ((row + Lanes) * stride)).Store(y + row);
        if (whole == rows) return;
        if (whole > 0) // the last sixteen rows: some of them once more
        {
            var last = w + ((rows - Lanes) * stride);
            Sixteen(last, stride, blocks, records, last).Store(y + rows - Lanes);
            return;
        }
        for (var row = 0; row < rows; row++)
        {
            var one = w + (row * stride);
            y[row] = Sixteen(one, 0, blocks, records, one)[0];
        }
    }

    // Products of sixteen rows. As many of the next bytes are asked for.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> Sixteen(byte* w, long stride, int blocks, byte* records, byte* next)
    {
        var memory = stackalloc byte[(2 * Runs * Lanes * sizeof(float)) + Line];
        var scales = (float*)(((nint)memory + Line - 1) / Line * Line); // on whole lines of the cache
        var (far, sum) = (4 * stride, Vector512<float>.Zero);
        for (var end = w + ((long)blocks * T.Bytes); w < end; w += T.Bytes)
        {
            if (blocks > CachedBlocks) AskAgain(w + (2 * T.Bytes), stride);
            T.Prepare(w, stride, scales);
            var scale = scales;
            for (var half = 0; half < 2; half++, records += 4 * Record, scale += 4 * T.Groups * Lanes)
            {
                var (first, second) = T.Inputs(records);
                Ask(ref next);
                var a = T.Multiply(w, stride, half, first, second, out var p);
                Ask(ref next);
                var b = T.Multiply(w + far, stride, half, first, second, out var q);
                Ask(ref next);
                var c = T.Multiply(w + (2 * far), stride, half, first, second, out var r);
                Ask(ref next);
                var d = T.Multiply(w + (3 * far), stride, half, first, second, out var s);
                QuadLanes.Turn(ref a, ref b, ref c, ref d);
                if (T.Groups == 2)
                {
                    QuadLanes.Turn(ref p, ref q, ref r, ref s);
                    sum = AddTwo(sum, a, b, scale, records);
                    sum = AddTwo(sum, c, d, scale + (2 * Lanes), records + Record);
                    sum = AddTwo(sum, p, q, scale + (4 * Lanes), records + (2 * Record));
                    sum = AddTwo(sum, r, s, scale + (6 * Lanes), records + (3 * Record));
                }
                else
                {
                    sum = Add(sum, a, scale, records);
                    sum = Add(sum, b, scale + Lanes, records + Record);
                    sum = Add(sum, c, scale + (2 * Lanes), records + (2 * Record));
                    sum = Add(sum, d, scale + (3 * Lanes), records + (3 * Record));
                }
            }
        }
        return sum;
    }

    // Asks for two blocks' bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(ref byte* next)
    {
        for (var at = 0; at < 2 * T.Bytes; at += Line) Sse.Prefetch0(next + at);
        next += 2 * T.Bytes;
    }

    // Asks for a block of sixteen rows, which the first cache has lost since they were asked for.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void AskAgain(byte* w, long stride)
    {
        for (var row = 0; row < Lanes; row++, w += stride)
            for (var at = 0; at < T.Bytes - (Line / 2); at += Line) Sse.Prefetch0(w + at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(Vector512<float> sum, Vector512<int> products, float* scale, byte* record) =>
        InputCodes.AddMinimum(InputCodes.Add(sum, products, Vector512.Load(scale), record),
            Vector512.Load(scale + (Runs * Lanes)), record);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AddTwo(Vector512<float> sum, Vector512<int> first, Vector512<int> second,
        float* scale, byte* record)
    {
        first = InputCodes.FirstCentered(first, record);
        second = InputCodes.SecondCentered(second, record);
        return InputCodes.Add(InputCodes.Add(sum, first, Vector512.Load(scale), record), second,
            Vector512.Load(scale + Lanes), record);
    }
}
