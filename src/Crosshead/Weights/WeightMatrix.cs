using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Weights;

/// <summary>
/// A matrix of weights as it lies in memory, mostly in a mapped file: rows of whole blocks, one row after another. What
/// computes with it reads it where it lies. A vector is a matrix of one row.
/// </summary>
internal sealed unsafe class WeightMatrix : IDisposable
{
    private readonly MappedFile _map;
    private bool _held;
    private long _readOnce; // rows

    /// <summary>A matrix over mapped bytes, which stay mapped until it is disposed.</summary>
    /// <param name="map">The bytes; all of the matrix must be within.</param>
    /// <param name="offset">Position of the first byte.</param>
    /// <param name="format">How numbers are stored.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Numbers of a row, whole blocks.</param>
    /// <param name="stride">Bytes from row to row; null where rows follow each other at once.</param>
    /// <param name="order">As <see cref="Order"/>.</param>
    public WeightMatrix(MappedFile map, long offset, WeightFormat format, long rows, int columns, long? stride = null,
        long[]? order = null)
    {
        (_map, Offset, Format, Rows, Columns, Order) = (map, offset, format, rows, columns, order);
        Stride = stride ?? format.RowBytes(columns);
        if (offset < 0 || columns % format.BlockSize != 0
            || ((rows - 1) * Stride) + format.RowBytes(columns) > map.Length - offset)
            throw new ArgumentException($"[{rows}, {columns}] of {format} do not lie at byte {offset} of {map.Length}");
        map.DangerousAddRef(ref _held);
        Data = map.At(offset);
    }

    ~WeightMatrix() => Release();

    /// <summary>How the numbers are stored.</summary>
    public WeightFormat Format { get; }

    /// <summary>Number of rows.</summary>
    public long Rows { get; }

    /// <summary>Numbers of a row.</summary>
    public int Columns { get; }

    /// <summary>
    /// Where the rows of each run of so many lie among the run's; null where rows lie in the order of their numbers.
    /// </summary>
    public long[]? Order { get; }

    /// <summary>Bytes from row to row, as they lie.</summary>
    public long Stride { get; }

    /// <summary>Bytes of all rows.</summary>
    public long Bytes => Math.Min(Rows * Stride, _map.Length - Offset);

    /// <summary>The row that lies first; valid until disposal.</summary>
    public byte* Data { get; }

    /// <summary>Position of the first byte in the map.</summary>
    private long Offset { get; }

    /// <summary>A matrix of zeros in memory of its own.</summary>
    /// <param name="format">How numbers are stored.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Numbers of a row, whole blocks.</param>
    /// <param name="stride">Bytes from row to row; null where rows follow each other at once.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public static WeightMatrix OfZeros(WeightFormat format, long rows, int columns, long? stride = null)
    {
        using var memory = MappedFile.OfZeros(rows * (stride ?? format.RowBytes(columns)));
        return new WeightMatrix(memory, 0, format, rows, columns, stride);
    }

    /// <summary>Some of its rows, where they lie.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">Number of rows.</param>
    public WeightMatrix Part(long first, long count)
    {
        if (Order is null || (first % Order.Length == 0 && count % Order.Length == 0))
            return new(_map, Offset + (first * Stride), Format, count, Columns, Stride, Order);
        using var ordered = Reordered(row => row);
        return ordered.Part(first, count);
    }

    /// <summary>
    /// Some of its columns: where they lie, or those of quantised rows in memory of its own. Null if they are not whole
    /// blocks.
    /// </summary>
    /// <param name="first">The first column.</param>
    /// <param name="count">Number of columns.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public WeightMatrix? ColumnsOf(long first, int count)
    {
        if (first % Format.BlockSize != 0 || count % Format.BlockSize != 0) return null;
        var (start, length) = ((int)Format.RowBytes(first), (int)Format.RowBytes(count));
        if (!Format.IsQuantized) return new WeightMatrix(_map, Offset + start, Format, Rows, count, Stride, Order);
        var made = OfZeros(Format, Rows, count);
        Parallel.For(0, Rows, row => BytesOf(row).Slice(start, length).CopyTo(made.BytesOf(row)));
        return made;
    }

    /// <summary>Its rows in another order, in memory of its own.</summary>
    /// <param name="row">The row of this matrix for each row of the new one.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public WeightMatrix Reordered(Func<long, long> row)
    {
        var made = OfZeros(Format, Rows, Columns, Stride);
        Parallel.For(0L, Rows, i => BytesOf(row(i)).CopyTo(made.BytesOf(i)));
        return made;
    }

    /// <summary>The same rows, where they lie, in another order.</summary>
    /// <param name="order">As <see cref="Order"/>, of a matrix that has none.</param>
    public WeightMatrix InOrder(long[] order) => new(_map, Offset, Format, Rows, Columns, Stride, order);

    /// <summary>
    /// All its numbers as one row, where they lie; rows must follow each other at once and in their order.
    /// </summary>
    public WeightMatrix AsRow() => new(_map, Offset, Format, 1, checked((int)(Rows * Columns)));

    /// <summary>The bytes of a row.</summary>
    public Span<byte> BytesOf(long row) => new(Data + (PlaceOf(row) * Stride),
        (int)Format.RowBytes(Columns));

    /// <summary>Reads a row.</summary>
    /// <param name="row">Index of the row.</param>
    /// <param name="values">Receives its numbers; as many as the matrix has columns.</param>
    public void Read(long row, Span<float> values) => Format.Read(BytesOf(row), values);

    /// <summary>Rounds numbers to a row of a matrix in memory of its own.</summary>
    /// <param name="row">Index of the row.</param>
    /// <param name="values">The first numbers of the row.</param>
    public void Write(long row, ReadOnlySpan<float> values) =>
        Format.Write(values, BytesOf(row)[..(int)Format.RowBytes(values.Length)]);

    /// <summary>
    /// Its numbers as a tensor on the CPU; without a copy where the bytes are those of the type.
    /// </summary>
    /// <param name="type">Float32, bfloat16, float16 or float64.</param>
    /// <param name="shape">Shape of as many numbers.</param>
    public Tensor ToTensor(ScalarType type, long[] shape)
    {
        if (Order is not null)
        {
            using var ordered = Reordered(row => row);
            return ordered.ToTensor(type, shape);
        }
        if (Stride == Format.RowBytes(Columns) && Own(Format) is { } own)
        {
            var mapped = MappedTensor.Over(_map, Offset, own, shape);
            if (own == type) return mapped;
            using (mapped) return mapped.to(type);
        }
        if (Own(Format) is { } apart && Stride % Format.BlockBytes == 0)
        {
            var step = Stride / Format.BlockBytes; // numbers from row to row
            using var all = MappedTensor.Over(_map, Offset, apart, [((Rows - 1) * step) + Columns]);
            using var rows = all.as_strided([Rows, Columns], [step, 1]);
            using var dense = rows.contiguous();
            return dense.to(type).reshape(shape);
        }
        using var single = empty([Rows, Columns], ScalarType.Float32);
        var values = (float*)Aten.DataPointer(single);
        Parallel.For(0, Rows, row => Read(row, new Span<float>(values + (row * Columns), Columns)));
        return single.to(type).reshape(shape);
    }

    /// <summary>
    /// Its bytes as a tensor on the CPU, [rows · stride]; without a copy where rows lie in their order.
    /// </summary>
    public Tensor ToBytes()
    {
        if (Order is null) return MappedTensor.Over(_map, Offset, ScalarType.Byte, [Bytes]);
        using var ordered = Reordered(row => row);
        return ordered.ToBytes();
    }

    /// <summary>Says that rows are read now, see <see cref="MappedFile.Populate"/>.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Number of rows.</param>
    public void Populate(long first, long rows) =>
        _map.Populate(Offset + (first * Stride), Math.Min(rows * Stride, Bytes - (first * Stride)));

    /// <summary>Whether rows are better read by <see cref="ReadOnce"/>: not all were read yet, and copies are
    /// faster.</summary>
    public bool IsReadOnce => _map.Touch.IsCopied && Volatile.Read(ref _readOnce) < Rows;

    /// <summary>How its memory is read for the first time.</summary>
    public FirstTouch Touch => _map.Touch;

    /// <summary>Reads rows, in the order in which they lie, that are perhaps not read again.</summary>
    /// <param name="first">The first.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="buffer">Room for them.</param>
    /// <returns>Where they are: in the buffer, or in the map where the system's file cache lacks some.</returns>
    public byte* ReadOnce(long first, long rows, byte* buffer)
    {
        var (start, bytes) = (Offset + (first * Stride), ((rows - 1) * Stride) + Format.RowBytes(Columns));
        Interlocked.Add(ref _readOnce, rows);
        if (_map.TryReadCached(start, buffer, bytes)) return buffer;
        _map.Touch.EndCopies();
        Populate(first, rows);
        return _map.At(start);
    }

    /// <summary>Says that the matrix will not be read soon: pages of its file no longer count as memory.</summary>
    public void SetAside() => _map.Release(Offset, Bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private long PlaceOf(long row) => Order is null ? row : row - (row % Order.Length) + Order[row % Order.Length];

    private static ScalarType? Own(WeightFormat format) => format == WeightFormat.F32 ? ScalarType.Float32
        : format == WeightFormat.BF16 ? ScalarType.BFloat16 : format == WeightFormat.F16 ? ScalarType.Float16 : null;

    private void Release()
    {
        if (_held) _map.DangerousRelease();
        _held = false;
    }
}
