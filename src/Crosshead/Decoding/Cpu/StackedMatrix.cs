using Crosshead.Kernels.WeightProducts;
using Crosshead.Weights;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Weight matrices with the same inputs, one below the other, as one matrix [outputs, inputs] with an optional bias.
/// Its rows are shared out to threads in groups of 16.
/// </summary>
internal sealed unsafe class StackedMatrix : IDisposable
{
    /// <summary>Rows of a group. The last group of a part may have fewer.</summary>
    public const int GroupRows = 16;

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
            _parts[i] = new Part(parts[i], RowProducts.Of(parts[i].Format), CodeProducts.Of(parts[i].Format), Groups,
                Outputs);
            Outputs += (int)parts[i].Rows;
            Groups += (int)((parts[i].Rows + GroupRows - 1) / GroupRows);
        }
        _bias = bias is null ? null : new Rows(bias, Outputs);
    }

    /// <summary>Number of rows of the matrix.</summary>
    public int Outputs { get; }

    /// <summary>Number of groups of rows.</summary>
    public int Groups { get; }

    /// <summary>Number of weights.</summary>
    public long Weights => (long)Outputs * _parts[0].Matrix.Columns;

    /// <summary>Bytes of the weights, without the bias.</summary>
    public long Bytes => _parts.Sum(p => p.Matrix.Bytes);

    /// <summary>The outputs of some groups: their first and their number.</summary>
    /// <param name="first">The first group.</param>
    /// <param name="end">The group after the last.</param>
    public (int Start, int Count) OutputsOf(int first, int end)
    {
        var start = StartOf(first);
        return (start, (end == Groups ? Outputs : StartOf(end)) - start);
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
            var (matrix, rows) = (part.Matrix, to - from);
            var weights = matrix.Data + (from * matrix.Stride);
            if (input is { Rounds: true } && part.Codes is { } codes)
                codes.Multiply(weights, matrix.Stride, rows, matrix.Columns,
                    input.Records(matrix.Columns, codes.Center), count, y + part.Output + from, yStride);
            else
                part.Products.Multiply(weights, matrix.Stride, rows, matrix.Columns, x, stride, count,
                    y + part.Output + from, yStride);
        }
        if (_bias is null) return;
        var (start, outputs) = OutputsOf(first, end);
        for (var r = 0; r < count; r++)
            RowMath.AddScaled(_bias[0] + start, 1, y + ((long)r * yStride) + start, outputs);
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

    // A part with its products, its first group and its first output.
    private readonly record struct Part(WeightMatrix Matrix, RowProducts Products, CodeProducts? Codes, int Group,
        int Output);
}
