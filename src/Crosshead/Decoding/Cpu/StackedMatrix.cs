using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Weights;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Weight matrices with the same inputs, one below the other, as one matrix [outputs, inputs] with an optional bias.
/// Its rows are shared out to threads in groups of 32.
/// </summary>
internal sealed unsafe class StackedMatrix : IDisposable
{
    /// <summary>Rows of a group. The last group of a part may have fewer.</summary>
    public const int GroupRows = 32;

    private const int ManyRows = 16; // fewer are not worth a function that is compiled when the program runs

    private const int ReadOnceBytes = 256 << 10, // in the second cache
        RowsTogether = 8; // that products read side by side

    private const int Streams = 4;

    private const int TurnedResults = GroupRows * PassBlock.MaxRows; // 16 KiB

    private readonly Part[] _parts;
    private readonly Rows? _bias;

    /// <summary>Stacks matrices.</summary>
    /// <param name="parts">The matrices from top to bottom; owned from now on.</param>
    /// <param name="bias">The biases of all outputs; null for none.</param>
    public StackedMatrix(IReadOnlyList<WeightMatrix> parts, float[]? bias = null)
    {
        _parts = new Part[parts.Count];
        for (var i = 0; i < parts.Count; i++)
        {
            _parts[i] = new Part(parts[i], RowProducts.Of(parts[i].Format), CodeProducts.Of(parts[i].Format),
                PairProducts.Of(parts[i].Format, parts[i].Columns), Groups, Outputs, InverseOf(parts[i].Order));
            Outputs += (int)parts[i].Rows;
            Groups += (int)((parts[i].Rows + GroupRows - 1) / GroupRows);
        }
        _bias = bias is null ? null : new Rows(bias, Outputs);
        if (_parts[0].Codes is { } codes && _parts.All(p => p.Codes?.Center == codes.Center)) Center = codes.Center;
    }

    /// <summary>Number of rows of the matrix.</summary>
    public int Outputs { get; }

    /// <summary>Number of groups of rows.</summary>
    public int Groups { get; }

    /// <summary>Number of weights.</summary>
    public long Weights => (long)Outputs * _parts[0].Matrix.Columns;

    /// <summary>
    /// The center that inputs of 8 bits are rounded for; null where not all parts multiply such inputs, or for
    /// different centers.
    /// </summary>
    public int? Center { get; }

    /// <summary>Bytes of the weights, without the bias.</summary>
    public long Bytes => _parts.Sum(p => p.Matrix.Bytes);

    /// <summary>How the memory of its first part is read for the first time.</summary>
    public FirstTouch Touch => _parts[0].Matrix.Touch;

    /// <summary>The outputs of some groups: their first and their number.</summary>
    /// <param name="first">The first group.</param>
    /// <param name="end">The group after the last.</param>
    public (int Start, int Count) OutputsOf(int first, int end)
    {
        var start = StartOf(first);
        return (start, (end == Groups ? Outputs : StartOf(end)) - start);
    }

    /// <summary>The weights that products of groups with some vectors begin with.</summary>
    /// <param name="first">The first group.</param>
    /// <param name="end">The group after the last.</param>
    /// <param name="vectors">Number of vectors.</param>
    public WeightStreams Reads(int first, int end, int vectors)
    {
        var i = _parts.Length - 1;
        while (_parts[i].Group > first) i--;
        var (matrix, from) = (_parts[i].Matrix, (first - _parts[i].Group) * GroupRows);
        if (matrix.IsReadOnce) return default; // they are copied before
        var rows = Math.Min(matrix.Rows, (end - _parts[i].Group) * (long)GroupRows) - from;
        // One vector is multiplied by four rows at once, a quarter of all rows apart, but for the largest blocks.
        var streams = vectors == 1 && rows >= Streams && matrix.Format.BlockSize <= InputCodes.Columns ? Streams : 1;
        var apart = rows / streams * matrix.Stride;
        return new WeightStreams((nint)(matrix.Data + (from * matrix.Stride)), apart, streams, apart);
    }

    /// <summary>
    /// y[r, o] = Σ_k x[r, k] · W[o, k] + bias[o] for the outputs of groups <paramref name="first"/> …
    /// <paramref name="end"/> − 1.
    /// </summary>
    /// <param name="first">The first group.</param>
    /// <param name="end">The group after the last.</param>
    /// <param name="x">The rows.</param>
    /// <param name="y">[rows, yStride]</param>
    /// <param name="yStride">Elements from row to row.</param>
    public void Multiply(int first, int end, ProductInput x, float* y, int yStride) =>
        Multiply(first, end, x, x.Pointer, x.Stride, x.Count, y, yStride);

    /// <summary>As the other, for rows that are never rounded.</summary>
    /// <param name="first">The first group.</param>
    /// <param name="end">The group after the last.</param>
    /// <param name="x">[rows, stride], each filled up with zeros to a multiple of 16.</param>
    /// <param name="stride">Elements from row to row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="y">[rows, yStride]</param>
    /// <param name="yStride">Elements from row to row.</param>
    public void Multiply(int first, int end, float* x, int stride, int rows, float* y, int yStride) =>
        Multiply(first, end, null, x, stride, rows, y, yStride);

    private void Multiply(int first, int end, ProductInput? input, float* x, int stride, int count, float* y,
        int yStride)
    {
        foreach (ref readonly var part in _parts.AsSpan())
        {
            var (from, to) = (Math.Max(0, first - part.Group) * GroupRows,
                (int)Math.Min(part.Matrix.Rows, (end - part.Group) * (long)GroupRows));
            if (from >= to) continue;
            if (part.Inverse is not null) MultiplyTurned(part, from, to, input, x, stride, count, y, yStride);
            else
            {
                var outputs = y + part.Output + from;
                Multiply(part, from, to - from, input, x, stride, count, outputs, yStride);
                for (var r = 0; _bias is not null && r < count; r++)
                    RowMath.AddScaled(_bias[0] + part.Output + from, 1, outputs + ((long)r * yStride), to - from);
            }
        }
    }

    private static void Multiply(in Part part, int from, int rows, ProductInput? input, float* x, int stride,
        int count, float* y, int yStride)
    {
        var matrix = part.Matrix;
        if (matrix.IsReadOnce && matrix.Stride <= ReadOnceBytes / RowsTogether)
            MultiplyOnce(part, from, rows, input, x, stride, count, y, yStride);
        else Multiply(part, matrix.Data + (from * matrix.Stride), rows, input, x, stride, count, y, yStride);
    }

    // Rows that are perhaps not multiplied again, so that to touch their pages may not pay.
    [SkipLocalsInit]
    private static void MultiplyOnce(in Part part, int from, int rows, ProductInput? input, float* x, int stride,
        int count, float* y, int yStride)
    {
        var buffer = stackalloc byte[ReadOnceBytes];
        var most = (int)(ReadOnceBytes / part.Matrix.Stride / RowsTogether * RowsTogether);
        for (int run; rows > 0; from += run, rows -= run, y += run)
        {
            run = Math.Min(most, rows);
            Multiply(part, part.Matrix.ReadOnce(from, run, buffer), run, input, x, stride, count, y, yStride);
        }
    }

    private static void Multiply(in Part part, byte* weights, int rows, ProductInput? input, float* x, int stride,
        int count, float* y, int yStride)
    {
        var matrix = part.Matrix;
        if (input is { BecomeCodes: true } && part.Codes is { } codes)
            codes.Multiply(weights, matrix.Stride, rows, matrix.Columns, input.Records(matrix.Columns, codes.Center),
                count, y, yStride);
        else if (input is { BecomePairs: true } && part.Pairs is { } pairs)
            pairs.Multiply(weights, matrix.Stride, rows, matrix.Columns, input.Pairs(matrix.Columns, pairs), count, y,
                yStride);
        else part.Products.Multiply(weights, matrix.Stride, rows, matrix.Columns, x, stride, count, y, yStride);
    }

    // Rows that lie in another order are multiplied as they lie, and the results put where they belong: perhaps among
    // the outputs of groups that another thread multiplies, but each by one alone.
    [SkipLocalsInit]
    private void MultiplyTurned(in Part part, int from, int to, ProductInput? input, float* x, int stride, int count,
        float* y, int yStride)
    {
        var run = TurnedResults / count / GroupRows * GroupRows;
        var results = stackalloc float[TurnedResults];
        for (var rows = 0; from < to; from += rows)
        {
            rows = Math.Min(run, to - from);
            Multiply(part, from, rows, input, x, stride, count, results, run);
            if (part.IsPaired && count >= ManyRows && CpuVectors.Are512Bits)
                PutPairs(part, from, rows, results, run, count, y, yStride);
            else Put(part, from, rows, results, run, count, y, yStride);
        }
    }

    private void Put(in Part part, int from, int rows, float* results, int run, int count, float* y, int yStride)
    {
        var place = from % part.Inverse!.Length;
        for (int i = 0, begin = part.Output + from - place; i < rows; i++)
        {
            var output = begin + part.Inverse[place];
            for (var r = 0; r < count; r++)
            {
                var result = results[(r * run) + i];
                y[((long)r * yStride) + output] = _bias is null ? result : result + _bias[0][output];
            }
            if (++place < part.Inverse.Length) continue;
            (place, begin) = (0, begin + part.Inverse.Length);
        }
    }

    // Of 32 neighbours, sixteen that belong together are every other one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PutPairs(in Part part, int from, int rows, float* results, int run, int count, float* y, int yStride)
    {
        var evens = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        var odds = evens + Vector512<int>.One;
        for (var i = 0; i < rows; i += GroupRows, results += GroupRows)
        {
            var (even, odd) = (OutputOf(part, from + i), OutputOf(part, from + i + 1));
            for (var r = 0; r < count; r++)
            {
                var (a, b) = (Vector512.Load(results + (r * run)), Vector512.Load(results + (r * run) + Panel.Lanes));
                var (first, second) = (Avx512F.PermuteVar16x32x2(a, evens, b), Avx512F.PermuteVar16x32x2(a, odds, b));
                if (_bias is not null)
                {
                    first += Vector512.Load(_bias[0] + even);
                    second += Vector512.Load(_bias[0] + odd);
                }
                first.Store(y + ((long)r * yStride) + even);
                second.Store(y + ((long)r * yStride) + odd);
            }
        }
    }

    // Where the product of a row goes.
    private static int OutputOf(in Part part, int row)
    {
        var place = row % part.Inverse!.Length;
        return part.Output + row - place + part.Inverse[place];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in _parts) part.Matrix.Dispose();
        _bias?.Dispose();
    }

    private int StartOf(int group)
    {
        var i = _parts.Length - 1;
        while (_parts[i].Group > group) i--;
        return _parts[i].Output + ((group - _parts[i].Group) * GroupRows);
    }

    private static int[]? InverseOf(long[]? order) => order is null ? null
        : [.. Enumerable.Range(0, order.Length).Select(place => Array.IndexOf(order, place))];

    // A part with its products, its first group and its first output; and for each place in a run of rows the row that
    // lies there, if rows do not lie in their order.
    private readonly record struct Part(WeightMatrix Matrix, RowProducts Products, CodeProducts? Codes,
        PairProducts? Pairs, int Group, int Output, int[]? Inverse)
    {
        // Whether whole groups of rows are neighbours of which one belongs to the first half of a run and one to the
        // second, as rows that are rotated together are.
        public bool IsPaired { get; } = Inverse is not null && Inverse.Length % GroupRows == 0
            && Inverse.Index().All(row => row.Item == (row.Index / 2) + (row.Index % 2 * (Inverse.Length / 2)));
    }
}
