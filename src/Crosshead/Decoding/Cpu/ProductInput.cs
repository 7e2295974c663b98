using System.Diagnostics.CodeAnalysis;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Rows that a member of the team multiplies weights by. They are rounded when the first matrix asks for it.
/// </summary>
/// <param name="coarsest">The coarsest numbers that they may be rounded to.</param>
internal sealed unsafe class ProductInput(ActivationType coarsest) : IDisposable
{
    private NativeBuffer<byte>? _records, _pairs;
    private byte* _given; // records that were made already; null for none
    private int? _center; // that the records were made for
    private bool _paired; // whether the pairs are those of the rows

    /// <summary>Whether the rows may be rounded to 8 bits.</summary>
    public bool BecomeCodes => coarsest == ActivationType.Int8;

    /// <summary>Whether the rows may be rounded to bfloat16.</summary>
    public bool BecomePairs => coarsest != ActivationType.Float32;

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
        _given = null;
        (Stride, Count, _center, _paired) = (rows.Stride, count, null, false);
    }

    /// <summary>Takes rows that are rounded to 8 bits already.</summary>
    /// <param name="records">As <see cref="Records"/>.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="center">What they were rounded for.</param>
    public void Take(byte* records, int count, int center)
    {
        Pointer = null;
        _given = records;
        (Count, _center) = (count, center);
    }

    /// <summary>Drops the rows: the next may lie at the same place and have other numbers.</summary>
    public void Drop() => Pointer = null;

    /// <summary>The center that rows may be rounded for before a matrix asks; null where they must stay.</summary>
    public int? CenterFor(StackedMatrix matrix) => BecomeCodes ? matrix.Center : null;

    /// <summary>The rows rounded to 8 bits, as records of <see cref="InputCodes"/>.</summary>
    /// <param name="columns">Numbers of a row, a multiple of 32; the same for all matrices until the next rows.</param>
    /// <param name="center">As <see cref="CodeProducts.Center"/> of the weights.</param>
    public byte* Records(int columns, int center)
    {
        if (_given is not null) return center == _center ? _given
            : throw new InvalidOperationException("The rows were rounded for another center.");
        if (Grow(ref _records, (long)Count * columns / InputCodes.Columns * InputCodes.RecordBytes)) _center = null;
        if (_center != center)
            InputCodes.Encode(Pointer, Stride, Count, columns, center, _records.Pointer, Count);
        _center = center;
        return _records.Pointer;
    }

    /// <summary>The rows rounded to bfloat16.</summary>
    /// <param name="columns">Numbers of a row, a multiple of 32; the same for all matrices until the next rows.</param>
    /// <param name="products">What multiplies them; the same for all matrices.</param>
    public byte* Pairs(int columns, PairProducts products)
    {
        if (Grow(ref _pairs, (long)Count * columns * PairProducts.NumberBytes)) _paired = false;
        if (!_paired) products.Round(Pointer, Stride, Count, columns, _pairs.Pointer);
        _paired = true;
        return _pairs.Pointer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _records?.Dispose();
        _pairs?.Dispose();
    }

    // Whether a buffer had to be made anew.
    private static bool Grow([NotNull] ref NativeBuffer<byte>? buffer, long bytes)
    {
        if (buffer is not null && buffer.Length >= bytes) return false;
        buffer?.Dispose();
        buffer = new NativeBuffer<byte>(bytes);
        return true;
    }
}
