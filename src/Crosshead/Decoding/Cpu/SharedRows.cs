using Crosshead.Kernels.WeightProducts;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Inputs of products that the members of a team write together and all of them read. Where weights multiply inputs of
/// 8 bits, who writes them rounds them: that is done once, and the others fetch a quarter of the bytes.
/// </summary>
/// <param name="rows">Most rows.</param>
/// <param name="width">Most numbers of a row.</param>
internal sealed unsafe class SharedRows(int rows, int width) : IDisposable
{
    private readonly Rows _numbers = new(rows, width);
    private readonly NativeBuffer<byte> _records = new(rows * BytesOf(width));

    /// <summary>Writes some numbers of some rows.</summary>
    /// <param name="x">[<paramref name="count"/>, <paramref name="stride"/>]: the numbers.</param>
    /// <param name="stride">Elements from row to row.</param>
    /// <param name="row">The first row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="together">The rows that are read together, which these are among.</param>
    /// <param name="start">The first number.</param>
    /// <param name="length">Numbers of each row. Those behind the last are zeros.</param>
    /// <param name="center">The center that they are rounded for, by whole thirty-twos; null to keep float32.</param>
    public void Write(float* x, int stride, int row, int count, RowGroup together, int start, int length, int? center)
    {
        if (center is { } own)
        {
            // Four runs of numbers are rounded at once: of one row, or of four.
            var columns = count < 4 ? length : InputCodes.Columns;
            for (var i = 0; i < length; i += columns)
            {
                var record = ((long)(start + i) / InputCodes.Columns * together.Count) + row - together.First;
                InputCodes.Encode(x + i, stride, count, columns, own,
                    RecordsOf(together.First) + (record * InputCodes.RecordBytes), together.Count);
            }
            return;
        }
        for (var r = 0; r < count; r++)
        {
            var to = _numbers[row + r] + start;
            new ReadOnlySpan<float>(x + ((long)r * stride), length).CopyTo(new Span<float>(to, length));
            new Span<float>(to + length, Panel.Round(length) - length).Clear();
        }
    }

    /// <summary>Lets a member multiply weights by rows that were written for a center, or as float32.</summary>
    public void Give(ProductInput input, RowGroup together, int? center)
    {
        if (center is { } own) input.Take(RecordsOf(together.First), together.Count, own);
        else input.Take(_numbers, together.First, together.Count);
    }

    /// <summary>Rows that are written as float32.</summary>
    public float* this[int row] => _numbers[row];

    /// <summary>Elements from row to row.</summary>
    public int Stride => _numbers.Stride;

    /// <inheritdoc/>
    public void Dispose()
    {
        _numbers.Dispose();
        _records.Dispose();
    }

    private byte* RecordsOf(int row) => _records.Pointer + (row * BytesOf(_numbers.Width));

    private static long BytesOf(int numbers) =>
        (numbers + InputCodes.Columns - 1L) / InputCodes.Columns * InputCodes.RecordBytes;
}
