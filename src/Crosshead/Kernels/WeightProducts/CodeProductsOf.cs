using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// The products of one format. The codes of sixteen rows and 32 columns become eight registers, whose lanes are the
/// rows. All vectors are multiplied by them before the next columns follow.
/// </summary>
/// <param name="quads">Multiplies by a single vector where the processor has AVX-512; null for none.</param>
/// <param name="generates">Whether many vectors may be multiplied in machine code.</param>
[SkipLocalsInit] // nothing is read before it was written
internal sealed unsafe class CodeProducts<T>(QuadProducts? quads = null, bool generates = true) : CodeProducts
    where T : unmanaged, ICodeBlock
{
    private const int Lanes = RowProducts.Lanes;
    private const int Few = 7; // vectors that are multiplied while codes are read
    private const int SmallAhead = 4; // small blocks whose successors in the next rows are asked for at once

    /// <inheritdoc/>
    public override int Center => T.Center;

    /// <inheritdoc/>
    public override void Multiply(byte* weights, long stride, int rows, int columns, byte* records, int vectors,
        float* y, int yStride)
    {
        var memory = stackalloc byte[(2 * vectors * Lanes * sizeof(float)) + 64];
        var sums = (float*)(((nint)memory + 63) / 64 * 64);
        var done = 0;
        if (quads is not null && vectors == 1 && CpuVectors.Are512Bits)
        {
            done = columns / QuadProducts.Columns * QuadProducts.Columns;
            if (done > 0) quads.Multiply(weights, stride, rows, done, records, y);
            if (done == columns) return;
            weights += done / (InputCodes.Columns * T.Runs) * T.Bytes;
            records += done / InputCodes.Columns * InputCodes.RecordBytes;
            columns -= done;
        }
        var row = 0;
        if (generates && vectors > Few && rows >= Lanes && CodeTile<T>.Instance is { } tile)
        {
            for (var sixteens = 2; row + Lanes <= rows; row += sixteens * Lanes)
            {
                if (row + (2 * Lanes) > rows) sixteens = 1;
                new Span<float>(sums, sixteens * vectors * Lanes).Clear();
                tile.Multiply(weights + (row * stride), stride, sixteens, columns, records, vectors, sums);
                Put(sums, sixteens, vectors, y + row, yStride);
            }
        }
        for (; row + Lanes <= rows; row += Lanes)
        {
            Begin(sums, vectors, done > 0 ? y + row : null);
            Tile(weights + (row * stride), stride, columns, records, vectors, sums);
            Put(sums, 1, vectors, y + row, yStride);
        }
        if (row == rows) return;
        if (rows > Lanes && done == 0) // the last sixteen rows: some of them once more
        {
            Begin(sums, vectors, null);
            Tile(weights + ((rows - Lanes) * stride), stride, columns, records, vectors, sums);
            Put(sums, 1, vectors, y + rows - Lanes, yStride);
            return;
        }
        for (; row < rows; row++) // sixteen times the same row
        {
            Begin(sums, vectors, null);
            if (done > 0) sums[0] = y[row];
            Tile(weights + (row * stride), 0, columns, records, vectors, sums);
            for (var v = 0; v < vectors; v++) y[((long)v * yStride) + row] = sums[v * Lanes];
        }
    }

    private static void Put(float* sums, int sixteens, int vectors, float* y, int yStride)
    {
        for (var v = 0; v < vectors; v++, y += yStride)
            for (var rows = 0; rows < sixteens; rows++, sums += Lanes)
                Vector512.Load(sums).Store(y + (rows * Lanes));
    }

    // Sums [vectors, 16] begin with zeros, or with the products of the columns before.
    private static void Begin(float* sums, int vectors, float* before)
    {
        for (var v = 0; v < vectors; v++)
            (before is null ? Vector512<float>.Zero : Vector512.Load(before)).Store(sums + (v * Lanes));
    }

    // Adds the products of sixteen rows with all vectors to the sums [vectors, 16].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile(byte* w, long stride, int columns, byte* records, int vectors, float* sums)
    {
        var scales = stackalloc float[T.Runs * (T.Groups + 1) * Lanes];
        var codes = stackalloc byte[CpuVectors.Are512Bits ? 64 : NarrowTile.Bytes];
        var far = 4 * stride;
        var (next, block) = ((long)(w + (Lanes * stride)), 0u);
        for (var end = w + ((long)columns / (InputCodes.Columns * T.Runs) * T.Bytes); w < end; w += T.Bytes)
        {
            // The next sixteen rows follow in memory. They are asked for in the order of addresses.
            if (T.Runs > 1 || block++ % SmallAhead == 0)
                for (var to = next + (Lanes * T.Bytes * (T.Runs > 1 ? 1 : SmallAhead)); next < to; next += 64)
                    Sse.Prefetch0((byte*)next);
            T.Prepare(w, stride, scales);
            var run = 0;
            var scale = scales;
            do // a block with one run is no loop then
            {
                var last = records + ((long)vectors * InputCodes.RecordBytes);
                if (!CpuVectors.Are512Bits)
                {
                    NarrowTile.Read<T>(w, stride, run, codes);
                    NarrowTile.Multiply<T>(codes, scale, records, last, sums);
                    NarrowTile.Multiply<T>(codes + 32, scale + 8, records, last, sums + 8);
                    records = last;
                    scale += T.Groups * Lanes;
                    continue;
                }
                var (a0, b0) = T.Load(w, far, run);
                var (a1, b1) = T.Load(w + stride, far, run);
                var (a2, b2) = T.Load(w + (2 * stride), far, run);
                var (a3, b3) = T.Load(w + (3 * stride), far, run);
                var (c0, c1, c2, c3) = CodeLanes.Sixteen(a0, a1, a2, a3);
                var (c4, c5, c6, c7) = CodeLanes.Sixteen(b0, b1, b2, b3);
                var (s, m) = (Vector512.Load(scale), Vector512.Load(scale + (T.Center == 0 ? T.Runs * Lanes : 0)));
                var sum = sums;
                if (T.Bits == 8)
                {
                    // A code of 8 bits is two of 4 bits.
                    var four = Vector512.Create((byte)15);
                    var (d0, d1, d2, d3) = (High(c0), High(c1), High(c2), High(c3));
                    var (d4, d5, d6, d7) = (High(c4), High(c5), High(c6), High(c7));
                    (c0, c1, c2, c3) = (c0 & four, c1 & four, c2 & four, c3 & four);
                    (c4, c5, c6, c7) = (c4 & four, c5 & four, c6 & four, c7 & four);
                    for (; records < last; records += InputCodes.RecordBytes, sum += Lanes)
                    {
                        var low = Four(records, c0, c1, c2, c3) + Four(records + 16, c4, c5, c6, c7);
                        var high = Four(records, d0, d1, d2, d3) + Four(records + 16, d4, d5, d6, d7);
                        Add(sum, CodeLanes.Fours(low, 1) + CodeLanes.Fours(high, 16), s, m, records);
                    }
                }
                else if (T.Groups == 2)
                {
                    m = Vector512.Load(scale + Lanes);
                    for (; records < last; records += InputCodes.RecordBytes, sum += Lanes)
                    {
                        var first = InputCodes.FirstCentered(
                            Two(records, c0, c1) + Two(records + 8, c2, c3), records);
                        var second = InputCodes.SecondCentered(
                            Two(records + 16, c4, c5) + Two(records + 24, c6, c7), records);
                        InputCodes.Add(InputCodes.Add(Vector512.Load(sum), first, s, records), second, m, records)
                            .Store(sum);
                    }
                }
                else
                {
                    for (; records < last; records += InputCodes.RecordBytes, sum += Lanes)
                    {
                        var (first, second) = (Four(records, c0, c1, c2, c3), Four(records + 16, c4, c5, c6, c7));
                        // Eight sums of two products of 4 bits fit into 16 bits, four of 5 bits.
                        Add(sum, T.Bits == 4 ? CodeLanes.Fours(first + second, 1)
                            : CodeLanes.Fours(first, 1) + CodeLanes.Fours(second, 1), s, m, records);
                    }
                }
                scale += T.Groups * Lanes;
            }
            while (T.Runs > 1 && ++run < T.Runs);
        }
    }

    // Adds a run with one scale.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sum, Vector512<int> products, Vector512<float> scale, Vector512<float> minimum,
        byte* record)
    {
        if (T.Center > 0) products = InputCodes.Centered(products, record);
        var total = InputCodes.Add(Vector512.Load(sum), products, scale, record);
        if (T.Center == 0) total = InputCodes.AddMinimum(total, minimum, record);
        total.Store(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> At(byte* codes, int four) => Vector512.Create(((int*)codes)[four]).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> High(Vector512<byte> codes) =>
        (codes.AsUInt16() >>> 4).AsByte() & Vector512.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Two(byte* x, Vector512<byte> c0, Vector512<byte> c1) =>
        CodeLanes.Fours(CodeLanes.Pairs(c0, At(x, 0)) + CodeLanes.Pairs(c1, At(x, 1)), 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Four(byte* x, Vector512<byte> c0, Vector512<byte> c1, Vector512<byte> c2,
        Vector512<byte> c3) => (CodeLanes.Pairs(c0, At(x, 0)) + CodeLanes.Pairs(c1, At(x, 1)))
            + (CodeLanes.Pairs(c2, At(x, 2)) + CodeLanes.Pairs(c3, At(x, 3)));
}
