using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary><see cref="QuadProducts"/> of a format with blocks of 256 columns.</summary>
[SkipLocalsInit] // scales are prepared before they are read
internal sealed unsafe class LargeQuadProducts<T> : QuadProducts where T : unmanaged, ILargeQuad
{
    private const int Lanes = RowProducts.Lanes, Runs = 8, Record = InputCodes.RecordBytes;

    /// <inheritdoc/>
    public override void Multiply(byte* w, long stride, int rows, int columns, byte* records, float* y)
    {
        var row = 0;
        for (; row + Lanes <= rows; row += Lanes) Sixteen(w + (row * stride), stride, columns, records).Store(y + row);
        if (row < rows && rows > Lanes) // the last sixteen rows: some of them once more
        {
            Sixteen(w + ((rows - Lanes) * stride), stride, columns, records).Store(y + rows - Lanes);
            return;
        }
        for (; row < rows; row++) y[row] = Sixteen(w + (row * stride), 0, columns, records)[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector512<float> Sixteen(byte* w, long stride, int columns, byte* records)
    {
        var sum = Vector512<float>.Zero;
        var scales = stackalloc float[2 * Runs * Lanes];
        var (next, far) = ((long)(w + (Lanes * stride)), 4 * stride);
        for (var end = w + ((long)columns / (Runs * InputCodes.Columns) * T.Bytes); w < end; w += T.Bytes)
        {
            // The next sixteen rows follow in memory. They are asked for in the order of addresses.
            T.Prepare(w, stride, scales);
            var scale = scales;
            for (var half = 0; half < 2; half++, records += 4 * Record, scale += 4 * T.Groups * Lanes)
            {
                var (first, second) = T.Inputs(records);
                for (var to = next + (2 * T.Bytes); next < to; next += 64) Sse.Prefetch0((byte*)next);
                var a = T.Multiply(w, stride, half, first, second, out var p);
                for (var to = next + (2 * T.Bytes); next < to; next += 64) Sse.Prefetch0((byte*)next);
                var b = T.Multiply(w + far, stride, half, first, second, out var q);
                for (var to = next + (2 * T.Bytes); next < to; next += 64) Sse.Prefetch0((byte*)next);
                var c = T.Multiply(w + (2 * far), stride, half, first, second, out var r);
                for (var to = next + (2 * T.Bytes); next < to; next += 64) Sse.Prefetch0((byte*)next);
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
