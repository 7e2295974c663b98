using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// The products by machine code of ours, with an instruction that .NET does not have. Some columns of eight rows, which
/// are neighbours, are read into the first cache, and all vectors are multiplied by them. Then the next columns follow.
/// Where the second cache does not hold the vectors, the same columns of the next rows come first, so that it holds at
/// least these columns of all vectors. A vector alone waits for memory, and is multiplied without that instruction.
/// </summary>
internal sealed unsafe class CodedPairProducts : PairProducts
{
    private const int Rows = PairTileCode.Rows, Lanes = RowProducts.Lanes, Line = 64,
        Apart = 32, // elements more from vector to vector, so that they do not share places in the caches
        MostDepth = 1024, // columns at once
        MostBands = 4, // of eight rows, whose sums the second cache holds
        HeldBytes = 512 << 10; // of vectors, in the second cache

    private static readonly WidenedPairProducts s_widened = new();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Round(float* x, long stride, int vectors, int columns, byte* pairs)
    {
        if (vectors == 1)
        {
            s_widened.Round(x, stride, vectors, columns, pairs);
            return;
        }
        var to = (ushort*)pairs;
        for (var v = 0; v < vectors; v++, x += stride, to += columns + Apart)
            for (var column = 0; column < columns; column += Columns)
                Vector512.Narrow(RoundedNumbers.Of(Vector512.Load(x + column)) >>> 16,
                    RoundedNumbers.Of(Vector512.Load(x + column + Lanes)) >>> 16).Store(to + column);
    }

    /// <inheritdoc/>
    [SkipLocalsInit] // nothing is read before it was written
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Multiply(byte* weights, long weightStride, int rows, int columns, byte* pairs, int vectors,
        float* y, int yStride)
    {
        if (vectors == 1)
        {
            s_widened.Multiply(weights, weightStride, rows, columns, pairs, vectors, y, yStride);
            return;
        }
        var parts = (columns + MostDepth - 1) / MostDepth;
        var depth = ((columns / Columns) + parts - 1) / parts * Columns; // equal numbers of columns at once
        var bands = parts > 1 && 2L * vectors * columns > HeldBytes ? MostBands : 1;
        var (panelBytes, bandSums) = (2 * Rows * depth, parts > 1 ? vectors * Rows * Lanes : 0);
        var memory = stackalloc byte[panelBytes + (bands * bandSums * sizeof(float)) + Line];
        var panel = (byte*)(((nint)memory + Line - 1) / Line * Line);
        var few = stackalloc float[Rows * vectors]; // products of fewer rows
        var tiles = new PairTileArguments
        {
            Panel = panel,
            VectorStride = 2L * (columns + Apart),
            AheadStride = weightStride,
        };
        for (var first = 0; first < rows; first += bands * Rows)
        {
            var end = Math.Min(rows, first + (bands * Rows));
            for (var column = 0; column < columns; column += depth)
            {
                var sums = (float*)(panel + panelBytes);
                var count = Math.Min(depth, columns - column);
                tiles.PanelBytes = 2 * Rows * count;
                (tiles.Begun, tiles.Ends) = (column > 0 ? 1 : 0, column + depth >= columns ? 1 : 0);
                for (var row = first; row < end; row += Rows, sums += bandSums)
                {
                    // What is read next is asked for while this is multiplied.
                    var (nextRow, nextColumn) = row + Rows < end ? (row + Rows, column)
                        : column + depth < columns ? (first, column + depth) : (end, 0);
                    var there = Math.Min(Rows, end - row);
                    Read(At(row, column), weightStride, there, count, panel);
                    tiles.Ahead = At(nextRow, nextColumn);
                    tiles.Vectors = pairs + (2L * column);
                    tiles.Sums = sums;
                    tiles.Products = there == Rows ? y + row : few;
                    tiles.ProductStride = sizeof(float) * (there == Rows ? yStride : Rows);
                    Multiply(&tiles, vectors, count / Columns);
                    for (var v = 0; there < Rows && v < vectors; v++)
                        new ReadOnlySpan<float>(few + (v * Rows), there).CopyTo(
                            new Span<float>(y + ((long)v * yStride) + row, there));
                }
            }
        }

        byte* At(int row, int column) => weights + (row * weightStride) + (2L * column);
    }

    // Rows side by side, so that memory answers all of them at the same time. What lay in the panel before stands for
    // rows that are not there; their products are not stored.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(byte* w, long stride, int rows, int count, byte* panel)
    {
        for (var end = panel + (2L * Rows * count); panel < end; w += Line, panel += Rows * Line)
        {
            var row = w;
            for (var i = 0; i < rows; i++, row += stride) HalfLoads.At(row).Store((uint*)(panel + (i * Line)));
        }
    }

    // Tiles of three vectors, then of two. All ask for the next eight rows, so that no products wait for an answer.
    private static void Multiply(PairTileArguments* tiles, int vectors, int lines)
    {
        var all = (vectors + PairTileCode.Vectors - 1) / PairTileCode.Vectors;
        tiles->AheadLines = Math.Min(lines, (lines + all - 1) / all);
        tiles->Count = vectors - (2 * all);
        if (tiles->Count > 0) PairTileCode.Run(tiles, PairTileCode.Vectors);
        tiles->Count = all - tiles->Count;
        if (tiles->Count > 0) PairTileCode.Run(tiles, 2);
    }
}
