using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;

namespace Crosshead.Kernels.Products;

/// <summary>
/// Small float32 matrix products, eight rows at a time, on dense scratch memory padded to whole tiles.
/// </summary>
internal static unsafe class MatrixTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 8;

    /// <summary>Columns of a panel; the last panel of a matrix may have half of them.</summary>
    public const int PanelWidth = 32;

    /// <summary>c [8, width] = a [8, k] · b [k, width], or c + a·b.</summary>
    /// <param name="a">Element (r, i) is at r·<paramref name="rowStride"/> + i·<paramref name="stride"/>, so a may be
    /// read transposed.</param>
    /// <param name="rowStride">See <paramref name="a"/>.</param>
    /// <param name="stride">See <paramref name="a"/>.</param>
    /// <param name="b">Row i starts at i·<paramref name="bStride"/>.</param>
    /// <param name="bStride">See <paramref name="b"/>.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="c">Row r starts at r·<paramref name="cStride"/>.</param>
    /// <param name="cStride">See <paramref name="c"/>.</param>
    /// <param name="width">32 or 16.</param>
    /// <param name="add">Whether to add to what c holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(float* a, nint rowStride, nint stride, float* b, nint bStride, int k, float* c,
        nint cStride, int width, bool add)
    {
        if (!CpuVectors.Are512Bits) Tiles4x16(a, rowStride, stride, b, bStride, k, c, cStride, width, add);
        else if (width == PanelWidth) Tile32(a, rowStride, stride, b, bStride, k, c, cStride, add);
        else Tile16(a, rowStride, stride, b, bStride, k, c, cStride, add);
    }

    // Eight rows by 32 columns: 16 sums in registers for the whole of k.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile32(float* a, nint rowStride, nint stride, float* b, nint bStride, int k, float* c,
        nint cStride, bool add)
    {
        float* a0 = a, a1 = a0 + rowStride, a2 = a1 + rowStride, a3 = a2 + rowStride, a4 = a3 + rowStride,
        a5 = a4 + rowStride, a6 = a5 + rowStride, a7 = a6 + rowStride;
        Vector512<float> s0a = default, s0b = default, s1a = default, s1b = default, s2a = default, s2b = default,
            s3a = default, s3b = default, s4a = default, s4b = default, s5a = default, s5b = default, s6a = default,
            s6b = default, s7a = default, s7b = default;
        nint at = 0;
        for (var i = 0; i < k; i++, at += stride, b += bStride)
        {
            var ba = Vector512.Load(b);
            var bb = Vector512.Load(b + 16);
            var v0 = Vector512.Create(a0[at]);
            s0a = Vector512.FusedMultiplyAdd(v0, ba, s0a);
            s0b = Vector512.FusedMultiplyAdd(v0, bb, s0b);
            var v1 = Vector512.Create(a1[at]);
            s1a = Vector512.FusedMultiplyAdd(v1, ba, s1a);
            s1b = Vector512.FusedMultiplyAdd(v1, bb, s1b);
            var v2 = Vector512.Create(a2[at]);
            s2a = Vector512.FusedMultiplyAdd(v2, ba, s2a);
            s2b = Vector512.FusedMultiplyAdd(v2, bb, s2b);
            var v3 = Vector512.Create(a3[at]);
            s3a = Vector512.FusedMultiplyAdd(v3, ba, s3a);
            s3b = Vector512.FusedMultiplyAdd(v3, bb, s3b);
            var v4 = Vector512.Create(a4[at]);
            s4a = Vector512.FusedMultiplyAdd(v4, ba, s4a);
            s4b = Vector512.FusedMultiplyAdd(v4, bb, s4b);
            var v5 = Vector512.Create(a5[at]);
            s5a = Vector512.FusedMultiplyAdd(v5, ba, s5a);
            s5b = Vector512.FusedMultiplyAdd(v5, bb, s5b);
            var v6 = Vector512.Create(a6[at]);
            s6a = Vector512.FusedMultiplyAdd(v6, ba, s6a);
            s6b = Vector512.FusedMultiplyAdd(v6, bb, s6b);
            var v7 = Vector512.Create(a7[at]);
            s7a = Vector512.FusedMultiplyAdd(v7, ba, s7a);
            s7b = Vector512.FusedMultiplyAdd(v7, bb, s7b);
        }
        Put(c, s0a, add);
        Put(c + 16, s0b, add);
        Put(c + cStride, s1a, add);
        Put(c + cStride + 16, s1b, add);
        Put(c + 2 * cStride, s2a, add);
        Put(c + 2 * cStride + 16, s2b, add);
        Put(c + 3 * cStride, s3a, add);
        Put(c + 3 * cStride + 16, s3b, add);
        Put(c + 4 * cStride, s4a, add);
        Put(c + 4 * cStride + 16, s4b, add);
        Put(c + 5 * cStride, s5a, add);
        Put(c + 5 * cStride + 16, s5b, add);
        Put(c + 6 * cStride, s6a, add);
        Put(c + 6 * cStride + 16, s6b, add);
        Put(c + 7 * cStride, s7a, add);
        Put(c + 7 * cStride + 16, s7b, add);
    }

    // Eight rows by 16 columns: 8 sums in registers for the whole of k.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile16(float* a, nint rowStride, nint stride, float* b, nint bStride, int k, float* c,
        nint cStride, bool add)
    {
        float* a0 = a, a1 = a0 + rowStride, a2 = a1 + rowStride, a3 = a2 + rowStride, a4 = a3 + rowStride,
        a5 = a4 + rowStride, a6 = a5 + rowStride, a7 = a6 + rowStride;
        Vector512<float> s0a = default, s1a = default, s2a = default, s3a = default, s4a = default, s5a = default,
            s6a = default, s7a = default;
        nint at = 0;
        for (var i = 0; i < k; i++, at += stride, b += bStride)
        {
            var ba = Vector512.Load(b);
            var v0 = Vector512.Create(a0[at]);
            s0a = Vector512.FusedMultiplyAdd(v0, ba, s0a);
            var v1 = Vector512.Create(a1[at]);
            s1a = Vector512.FusedMultiplyAdd(v1, ba, s1a);
            var v2 = Vector512.Create(a2[at]);
            s2a = Vector512.FusedMultiplyAdd(v2, ba, s2a);
            var v3 = Vector512.Create(a3[at]);
            s3a = Vector512.FusedMultiplyAdd(v3, ba, s3a);
            var v4 = Vector512.Create(a4[at]);
            s4a = Vector512.FusedMultiplyAdd(v4, ba, s4a);
            var v5 = Vector512.Create(a5[at]);
            s5a = Vector512.FusedMultiplyAdd(v5, ba, s5a);
            var v6 = Vector512.Create(a6[at]);
            s6a = Vector512.FusedMultiplyAdd(v6, ba, s6a);
            var v7 = Vector512.Create(a7[at]);
            s7a = Vector512.FusedMultiplyAdd(v7, ba, s7a);
        }
        Put(c, s0a, add);
        Put(c + cStride, s1a, add);
        Put(c + 2 * cStride, s2a, add);
        Put(c + 3 * cStride, s3a, add);
        Put(c + 4 * cStride, s4a, add);
        Put(c + 5 * cStride, s5a, add);
        Put(c + 6 * cStride, s6a, add);
        Put(c + 7 * cStride, s7a, add);
    }

    // With sixteen registers of 256 bits: four rows by 16 columns at a time, 8 sums in registers. Each sum has the same
    // terms in the same order as above.
    private static void Tiles4x16(float* a, nint rowStride, nint stride, float* b, nint bStride, int k, float* c,
        nint cStride, int width, bool add)
    {
        for (var column = 0; column < width; column += Lanes.Count)
            for (var row = 0; row < Rows; row += 4)
                Tile4x16(a + row * rowStride, rowStride, stride, b + column, bStride, k,
                    c + row * cStride + column, cStride, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x16(float* a, nint rowStride, nint stride, float* b, nint bStride, int k, float* c,
        nint cStride, bool add)
    {
        float* a0 = a, a1 = a0 + rowStride, a2 = a1 + rowStride, a3 = a2 + rowStride;
        Vector256<float> s0a = default, s0b = default, s1a = default, s1b = default, s2a = default, s2b = default,
            s3a = default, s3b = default;
        nint at = 0;
        for (var i = 0; i < k; i++, at += stride, b += bStride)
        {
            var ba = Vector256.Load(b);
            var bb = Vector256.Load(b + 8);
            var v0 = Vector256.Create(a0[at]);
            s0a = Vector256.FusedMultiplyAdd(v0, ba, s0a);
            s0b = Vector256.FusedMultiplyAdd(v0, bb, s0b);
            var v1 = Vector256.Create(a1[at]);
            s1a = Vector256.FusedMultiplyAdd(v1, ba, s1a);
            s1b = Vector256.FusedMultiplyAdd(v1, bb, s1b);
            var v2 = Vector256.Create(a2[at]);
            s2a = Vector256.FusedMultiplyAdd(v2, ba, s2a);
            s2b = Vector256.FusedMultiplyAdd(v2, bb, s2b);
            var v3 = Vector256.Create(a3[at]);
            s3a = Vector256.FusedMultiplyAdd(v3, ba, s3a);
            s3b = Vector256.FusedMultiplyAdd(v3, bb, s3b);
        }
        Put(c, Vector512.Create(s0a, s0b), add);
        Put(c + cStride, Vector512.Create(s1a, s1b), add);
        Put(c + 2 * cStride, Vector512.Create(s2a, s2b), add);
        Put(c + 3 * cStride, Vector512.Create(s3a, s3b), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, Vector512<float> sum, bool add)
    {
        if (add) sum += Vector512.Load(c);
        sum.Store(c);
    }
}
