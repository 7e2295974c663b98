using Crosshead.Kernels.WeightProducts;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Rows that a member of the team multiplies weights by. They are rounded to 8 bits when the first matrix asks for it.
/// </summary>
/// <param name="rounds">Whether they may be rounded.</param>
internal sealed unsafe class ProductInput(bool rounds) : IDisposable
{
    private NativeBuffer<byte>? _records;
    private int? _center; // that the records were made for

    /// <summary>Whether the rows may be rounded to 8 bits.</summary>
    public bool Rounds => rounds;

    /// <summary>[rows, stride]: the rows, filled up with zeros to a multiple of 16.</summary>
    public float* Pointer { get; private set; }

    /// <summary>Elements from row to row.</summary>
    public int Stride { get; private set; }

    /// <summary>Number of rows.</summary>
    public int Count { get; private set; }

    /// <summary>Takes rows. Those that it has already are not rounded again.</summary>
    public void Take(Rows rows, int first, int count)
    {
        if (Pointer == rows[first] && Count == count) return;
        Pointer = rows[first];
        (Stride, Count, _center) = (rows.Stride, count, null);
    }

    /// <summary>Drops the rows: the next may lie at the same place and have other numbers.</summary>
    public void Drop() => Pointer = null;

    /// <summary>The rows rounded to 8 bits, as records of <see cref="InputCodes"/>.</summary>
    /// <param name="columns">Numbers of a row, a multiple of 32; the same for all matrices until the next rows.</param>
    /// <param name="center">As <see cref="CodeProducts.Center"/> of the weights.</param>
    public byte* Records(int columns, int center)
    {
        var bytes = (long)Count * columns / InputCodes.Columns * InputCodes.RecordBytes;
        if (_records is null || _records.Length < bytes)
        {
            _records?.Dispose();
            _records = new NativeBuffer<byte>(bytes);
            _center = null;
        }
        if (_center != center) InputCodes.Encode(Pointer, Stride, Count, columns, center, _records.Pointer);
        _center = center;
        return _records.Pointer;
    }

    /// <inheritdoc/>
    public void Dispose() => _records?.Dispose();
}
