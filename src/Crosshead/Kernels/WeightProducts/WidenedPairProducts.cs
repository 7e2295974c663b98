using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// The products by multiplications of float32. A rounded vector is float32 again: the odd ones of 32 columns, then the
/// even ones.
/// </summary>
internal sealed unsafe class WidenedPairProducts : PairProducts
{
    private static readonly RowProducts<PairBlock> s_products = new();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Round(float* x, long stride, int vectors, int columns, byte* pairs)
    {
        const int half = Columns / 2;
        var to = (uint*)pairs;
        for (var v = 0; v < vectors; v++, x += stride)
        {
            for (var column = 0; column < columns; column += Columns, to += Columns)
            {
                var first = RoundedNumbers.Of(Vector512.Load(x + column)).AsUInt64();
                var second = RoundedNumbers.Of(Vector512.Load(x + column + half)).AsUInt64();
                Vector512.Narrow(first >>> 32, second >>> 32).Store(to);
                Vector512.Narrow(first, second).Store(to + half);
            }
        }
    }

    /// <inheritdoc/>
    public override void Multiply(byte* weights, long weightStride, int rows, int columns, byte* pairs, int vectors,
        float* y, int yStride) =>
        s_products.Multiply(weights, weightStride, rows, columns, (float*)pairs, columns, vectors, y, yStride);
}
