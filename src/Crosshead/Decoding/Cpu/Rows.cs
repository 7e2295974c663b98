namespace Crosshead.Decoding.Cpu;

/// <summary>Rows of float32, each filled up with zeros to a multiple of 16 or more.</summary>
internal sealed unsafe class Rows : IDisposable
{
    // The same places of rows that lie such multiples apart share one set of the first cache.
    private const int CacheWay = 512;

    private readonly NativeBuffer<float> _buffer;

    /// <summary>Creates rows of zeros.</summary>
    public Rows(long count, int width)
    {
        (Width, Stride) = (width, Panel.Round(width));
        if (Stride % CacheWay == 0) Stride += Panel.Lanes;
        _buffer = new NativeBuffer<float>(count * Stride);
    }

    /// <summary>Creates rows with the given values, one row after the other.</summary>
    public Rows(ReadOnlySpan<float> values, int width) : this(values.Length / width, width)
    {
        for (var i = 0; i < values.Length / width; i++)
            values.Slice(i * width, width).CopyTo(new Span<float>(this[i], width));
    }

    /// <summary>True length of a row.</summary>
    public int Width { get; }

    /// <summary>Elements from row to row.</summary>
    public int Stride { get; }

    /// <summary>Number of rows.</summary>
    public int Count => (int)(_buffer.Length / Stride);

    /// <summary>The first element of a row.</summary>
    public float* this[long row] => _buffer.Pointer + (row * Stride);

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();
}
