using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>Sizes of panels, and the product of panels with vectors.</summary>
internal static unsafe class Panel
{
    /// <summary>Columns of a panel.</summary>
    public const int Lanes = 16;

    /// <summary>Depths are multiples of this number. Rows after the true depth are multiplied by zeros.</summary>
    public const int DepthStep = 4;

    private const int CacheLine = 64; // bytes

    /// <summary>The next multiple of 16.</summary>
    public static int Round(int size) => (size + Lanes - 1) / Lanes * Lanes;

    /// <summary>The next multiple of <see cref="DepthStep"/>.</summary>
    public static int RoundDepth(int depth) => (depth + DepthStep - 1) / DepthStep * DepthStep;

    /// <summary>Number of panels for a number of columns.</summary>
    public static int Count(int columns) => (columns + Lanes - 1) / Lanes;

    /// <summary>
    /// Multiplies panels by vectors: 16 sums per panel and vector. Panels are read from memory once for all vectors.
    /// The sums of a vector do not depend on the other vectors.
    /// </summary>
    /// <param name="panel">The first panel.</param>
    /// <param name="panelStride">Elements from panel to panel.</param>
    /// <param name="panels">Number of panels.</param>
    /// <param name="depth">Rows to sum over, a multiple of <see cref="DepthStep"/>.</param>
    /// <param name="x">[rows, stride]: encoded vectors.</param>
    /// <param name="stride">Words of 4 bytes from vector to vector.</param>
    /// <param name="rows">Number of vectors.</param>
    /// <param name="y">[rows, yStride]; receives the sums of the panels side by side, not yet decoded.</param>
    /// <param name="yStride">Elements from result to result.</param>
    /// <param name="ahead">Elements from a panel to the memory that is prefetched while the panel is used; 0 for
    /// none. With few vectors a panel is used up before memory answers, so this should be several panels.</param>
    /// <param name="add">Whether sums go on from those in <paramref name="y"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<T>(T* panel, long panelStride, int panels, int depth, float* x, int stride, int rows,
        float* y, int yStride, long ahead = 0, bool add = false)
        where T : unmanaged, IPanelElement<T>
    {
        if (T.Tiles is { } tiles)
        {
            tiles.Multiply(panel, panelStride, panels, depth, x, stride, rows, y, yStride, ahead, add);
            return;
        }
        if (rows == 1)
        {
            MultiplyOne(panel, panelStride, panels, depth, x, y, add);
            return;
        }
        for (; panels > 0; panels -= 2, panel += 2 * panelStride, y += 2 * Lanes)
        {
            // A last panel without a partner is paired with itself. So sums do not depend on how threads share the
            // panels.
            var second = panels > 1 ? 1 : 0;
            T* p = panel, q = panel + (second * panelStride);
            // Hardware prefetches only to the end of a memory page. The memory of the first panel is prefetched by the
            // first vectors, that of the second by the second vectors.
            T* nextP = p + ahead, nextQ = q + ahead;
            for (int row = 0, count; row < rows; row += count)
            {
                T* askedP = row == 0 ? nextP : p, askedQ = row > 0 || rows < 16 ? nextQ : q;
                var (ownX, ownY) = ((long)row * stride, (long)row * yStride);
                count = rows - row is 9 or 10 && CpuVectors.Are512Bits ? rows - row
                    : rows - row >= 8 ? 8 : Math.Min(4, rows - row);
                if (count > 8)
                    PanelTiles.Multiply10x2(p, q, askedP, askedQ, depth, x + ownX, stride, count, y + ownY, yStride,
                        second * Lanes, add);
                else if (count == 8)
                    PanelTiles.Multiply8x2(p, q, askedP, askedQ, depth, x + ownX, stride, y + ownY, yStride,
                        second * Lanes, add);
                else
                    PanelTiles.Multiply4x2(p, q, askedP, askedQ, depth, x + ownX, stride, count, y + ownY, yStride,
                        second * Lanes, add);
            }
        }
    }

    // Where there are fewer than four panels the last one is multiplied again.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOne<T>(T* panel, long panelStride, int panels, int depth, float* x, float* y,
        bool add) where T : unmanaged, IPanelElement<T>
    {
        for (; panels >= 8 && CpuVectors.Are512Bits; panels -= 8, panel += 8 * panelStride, y += 8 * Lanes)
            PanelTiles.Multiply1x8(panel, panelStride, depth, x, y, add);
        for (; panels > 0; panels -= 4, panel += 4 * panelStride, y += 4 * Lanes)
        {
            var (second, third, fourth) = (Math.Min(1, panels - 1), Math.Min(2, panels - 1), Math.Min(3, panels - 1));
            PanelTiles.Multiply1x4(panel, panel + (second * panelStride), panel + (third * panelStride),
                panel + (fourth * panelStride), depth, x, y, second * Lanes, third * Lanes, fourth * Lanes, add);
        }
    }

    /// <summary>Prefetches the two rows at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<T>(T* rows) where T : unmanaged, IPanelElement<T>
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch1(rows);
        if (2 * Lanes * sizeof(T) > CacheLine) Sse.Prefetch1((byte*)rows + CacheLine);
    }
}
