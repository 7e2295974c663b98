using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Kernels.WeightProducts;

/// <summary><see cref="QuadProducts"/> of a format with blocks of 32 columns.</summary>
internal sealed unsafe class SmallQuadProducts<T> : QuadProducts where T : unmanaged, ISmallQuad
{
    private const int Lanes = RowProducts.Lanes;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override Vector512<float> Multiply(byte* w, long stride, int columns, byte* records)
    {
        var sum = Vector512<float>.Zero;
        var (next, far) = ((long)(w + (Lanes * stride)), 4 * stride);
        var end = w + ((long)columns / InputCodes.Columns * T.Bytes);
        for (; w < end; w += 4 * T.Bytes, records += 4 * InputCodes.RecordBytes)
        {
            // The next sixteen rows follow in memory. They are asked for in the order of addresses.
            for (var to = next + (4 * Lanes * T.Bytes); next < to; next += 64) Sse.Prefetch0((byte*)next);
            var (first, second) = (CodeLanes.Four(records, InputCodes.RecordBytes).AsSByte(),
                CodeLanes.Four(records + 16, InputCodes.RecordBytes).AsSByte());
            var a = T.Multiply(w, stride, first, second, out var p);
            var b = T.Multiply(w + far, stride, first, second, out var q);
            var c = T.Multiply(w + (2 * far), stride, first, second, out var r);
            var d = T.Multiply(w + (3 * far), stride, first, second, out var s);
            QuadLanes.Turn(ref a, ref b, ref c, ref d);
            QuadLanes.Turn(ref p, ref q, ref r, ref s);
            sum = Add(sum, a, p, records);
            sum = Add(sum, b, q, records + InputCodes.RecordBytes);
            sum = Add(sum, c, r, records + (2 * InputCodes.RecordBytes));
            sum = Add(sum, d, s, records + (3 * InputCodes.RecordBytes));
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(Vector512<float> sum, Vector512<int> products, Vector512<int> halves,
        byte* record)
    {
        if (T.IsCentered) products = InputCodes.Centered(products, record);
        if (!T.HasMinimum) return InputCodes.Add(sum, products, QuadLanes.UpperHalves(halves), record);
        sum = InputCodes.Add(sum, products, QuadLanes.UpperHalves(halves << 16), record);
        return InputCodes.AddMinimum(sum, QuadLanes.UpperHalves(halves), record);
    }
}
