using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// <see cref="QuadProducts"/> of a format with blocks of 256 columns. Of wide rows some columns of all rows come first,
/// then the next ones.
/// </summary>
[SkipLocalsInit] // scales are prepared before they are read
internal sealed unsafe class LargeQuadProducts<T> : QuadProducts where T : unmanaged, ILargeQuad
{
    private const int Lanes = RowProducts.Lanes, Runs = 8, Record = InputCodes.RecordBytes, Line = 64;

    // Blocks of a row at once. Those of sixteen rows, and of the next sixteen, fit into the first cache.
    private const int MostBlocks = 8;

    /// <inheritdoc/>
    public override void Multiply(byte* w, long stride, int rows, int columns, byte* records, float* y)
    {
        var (blocks, whole) = (columns / (Runs * InputCodes.Columns), rows / Lanes * Lanes);
        for (int first = 0, count; first < blocks; first += count)
        {
            count = Math.Min(MostBlocks, blocks - first);
            var part = w + (first * T.Bytes);
            for (var row = 0; row < whole; row += Lanes)
            {
                // The next rows, or the first ones' next columns.
                var next = row + Lanes < whole || first + count == blocks ? part + ((row + Lanes) * stride)
                    : part + (count * T.Bytes);
                Sixteen(part + (row * stride), stride, count, records + (first * Runs * Record), next,
                    first > 0 ? Vector512.Load(y + row) : Vector512<float>.Zero).Store(y + row);
            }
        }
        if (whole == rows) return;
        if (whole > 0) // the last sixteen rows: some of them once more
        {
            var last = w + ((rows - Lanes) * stride);
            Sixteen(last, stride, blocks, records, last, Vector512<float>.Zero).Store(y + rows - Lanes);
            return;
        }
        for (var row = 0; row < rows; row++)
        {
            var one = w + (row * stride);
            y[row] = Sixteen(one, 0, blocks, records, one, Vector512<float>.Zero)[0];
        }
    }

    // Adds some blocks of sixteen rows to their sums. As much of the next rows is asked for, in the order of addresses.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> Sixteen(byte* w, long stride, int blocks, byte* records, byte* next,
        Vector512<float> sum)
    {
        var scales = stackalloc float[2 * Runs * Lanes];
        var (far, length) = (4 * stride, (long)blocks * T.Bytes);
        var (ahead, aheadEnd) = ((long)next, (long)next + length);
        for (var end = w + length; w < end; w += T.Bytes)
        {
            T.Prepare(w, stride, scales);
            var scale = scales;
            for (var half = 0; half < 2; half++, records += 4 * Record, scale += 4 * T.Groups * Lanes)
            {
                var (first, second) = T.Inputs(records);
                Ask(ref ahead, ref aheadEnd, length, stride);
                var a = T.Multiply(w, stride, half, first, second, out var p);
                Ask(ref ahead, ref aheadEnd, length, stride);
                var b = T.Multiply(w + far, stride, half, first, second, out var q);
                Ask(ref ahead, ref aheadEnd, length, stride);
                var c = T.Multiply(w + (2 * far), stride, half, first, second, out var r);
                Ask(ref ahead, ref aheadEnd, length, stride);
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

    // Asks for two blocks' bytes, then for those of the row below where a row ends.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(ref long ahead, ref long end, long length, long stride)
    {
        for (var asked = 0; asked < 2 * T.Bytes; asked += Line, ahead += Line)
        {
            if (ahead >= end) (ahead, end) = ((end + stride - length) / Line * Line, end + stride);
            Sse.Prefetch0((byte*)ahead);
        }
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
