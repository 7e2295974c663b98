using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// <see cref="PanelTiles"/> for sixteen registers of 256 bits, with eight lanes and four vectors at a time. Each sum
/// has the same terms in the same order, so results are equal bit for bit.
/// </summary>
internal static unsafe class PanelHalfTiles
{
    private const int Lanes = 8;

    // Number of rows of two panels that stay in the first-level cache while all vectors and both halves use them.
    private const int Block = 128;

    /// <summary>Multiplies two panels by up to four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply4x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, int rows,
        float* y, int yStride, int second, bool add) where T : unmanaged, IPanelElement<T>
    {
        for (var start = 0; start < depth; start += Block)
        {
            var length = Math.Min(Block, depth - start);
            var offset = start * Panel.Lanes;
            T* aheadP = nextP, aheadQ = nextQ;
            for (var half = 0; half < 2; half++, aheadP = p, aheadQ = q)
                HalfOf4x2(p + offset, q + offset, aheadP + offset, aheadQ + offset, half, length,
                    x + (start / 2 * T.WordsPerPair), stride, rows, y + (half * Lanes), yStride, second,
                    add || start > 0);
        }
    }

    /// <summary>Multiplies two panels by eight vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply8x2<T>(T* p, T* q, T* nextP, T* nextQ, int depth, float* x, int stride, float* y,
        int yStride, int second, bool add) where T : unmanaged, IPanelElement<T>
    {
        for (var start = 0; start < depth; start += Block)
        {
            var length = Math.Min(Block, depth - start);
            var offset = start * Panel.Lanes;
            T* aheadP = nextP, aheadQ = nextQ;
            for (var half = 0; half < 2; half++)
            {
                for (var row = 0; row < 8; row += 4, aheadP = p, aheadQ = q)
                {
                    HalfOf4x2(p + offset, q + offset, aheadP + offset, aheadQ + offset, half, length,
                        x + ((long)row * stride) + (start / 2 * T.WordsPerPair), stride, 4,
                        y + ((long)row * yStride) + (half * Lanes), yStride, second, add || start > 0);
                }
            }
        }
    }

    // If `add` is set, the sums start from y, which holds the sums of the earlier rows. Where there are fewer than four
    // vectors the last one is multiplied again.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HalfOf4x2<T>(T* p, T* q, T* nextP, T* nextQ, int half, int depth, float* x, int stride,
        int rows, float* y, int yStride, int second, bool add) where T : unmanaged, IPanelElement<T>
    {
        var (r1, r2, r3) = (Math.Min(1, rows - 1), Math.Min(2, rows - 1), Math.Min(3, rows - 1));
        float* x1 = x + (r1 * stride), x2 = x + (r2 * stride), x3 = x + (r3 * stride);
        float* y1 = y + (r1 * yStride), y2 = y + (r2 * yStride), y3 = y + (r3 * yStride);
        Vector256<float> p0 = default, p1 = default, p2 = default, p3 = default, q0 = default, q1 = default,
            q2 = default, q3 = default;
        if (add)
        {
            (p0, q0) = (Vector256.Load(y), Vector256.Load(y + second));
            (p1, q1) = (Vector256.Load(y1), Vector256.Load(y1 + second));
            (p2, q2) = (Vector256.Load(y2), Vector256.Load(y2 + second));
            (p3, q3) = (Vector256.Load(y3), Vector256.Load(y3 + second));
        }
        for (int k = 0, w = 0; k < depth; k += 2, w += T.WordsPerPair, p += 2 * Panel.Lanes, q += 2 * Panel.Lanes,
            nextP += 2 * Panel.Lanes, nextQ += 2 * Panel.Lanes)
        {
            Panel.Prefetch(nextP);
            Panel.Prefetch(nextQ);
            var pRows = T.LoadHalfRows(p, half);
            var qRows = T.LoadHalfRows(q, half);
            Add<T>(x + w, pRows, qRows, ref p0, ref q0);
            Add<T>(x1 + w, pRows, qRows, ref p1, ref q1);
            Add<T>(x2 + w, pRows, qRows, ref p2, ref q2);
            Add<T>(x3 + w, pRows, qRows, ref p3, ref q3);
        }
        Store(p0, q0, y, second);
        Store(p1, q1, y1, second);
        Store(p2, q2, y2, second);
        Store(p3, q3, y3, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(float* x, (Vector256<float>, Vector256<float>) p, (Vector256<float>, Vector256<float>) q,
        ref Vector256<float> sumP, ref Vector256<float> sumQ) where T : unmanaged, IPanelElement<T>
    {
        var pair = T.BroadcastHalf(x);
        T.MultiplyAdd(pair, p, ref sumP);
        T.MultiplyAdd(pair, q, ref sumQ);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> p, Vector256<float> q, float* y, int second)
    {
        p.Store(y);
        q.Store(y + second);
    }
}
