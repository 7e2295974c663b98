namespace Crosshead.Weights;

/// <summary>
/// How the numbers of a weight matrix are stored. A row is a whole number of blocks, and a block is some bytes that
/// hold several numbers. The layouts are those of the GGUF format; numbers of one element per block are as everywhere.
/// </summary>
internal sealed class WeightFormat
{
    private readonly BlockReader _reader;
    private readonly BlockWriter? _writer;

    private WeightFormat(string name, int blockSize, int blockBytes, BlockReader reader, BlockWriter? writer,
        params int[] halves) =>
        (Name, BlockSize, BlockBytes, _reader, _writer, Halves) = (name, blockSize, blockBytes, reader, writer, halves);

    // Converts whole blocks to numbers.
    private delegate void BlockReader(ReadOnlySpan<byte> blocks, Span<float> values);

    // Converts numbers to whole blocks.
    private delegate void BlockWriter(ReadOnlySpan<float> values, Span<byte> blocks);

    /// <summary>Single precision.</summary>
    public static WeightFormat F32 { get; } = new("F32", 1, 4, FloatBlocks.F32, FloatBlockWriter.F32);

    /// <summary>Half precision.</summary>
    public static WeightFormat F16 { get; } = new("F16", 1, 2, FloatBlocks.F16, FloatBlockWriter.F16);

    /// <summary>The upper half of single precision.</summary>
    public static WeightFormat BF16 { get; } = new("BF16", 1, 2, FloatBlocks.BF16, FloatBlockWriter.BF16);

    /// <summary>8 bits and a scale for 32 numbers.</summary>
    public static WeightFormat Q8Zero { get; } = new("Q8_0", 32, 34, SmallBlocks.Q8Zero, SmallBlockWriter.Q8Zero, 0);

    /// <summary>4 bits and a scale for 32 numbers.</summary>
    public static WeightFormat Q4Zero { get; } = new("Q4_0", 32, 18, SmallBlocks.Q4Zero, SmallBlockWriter.Q4Zero, 0);

    /// <summary>4 bits, a scale and a minimum for 32 numbers.</summary>
    public static WeightFormat Q4One { get; } = new("Q4_1", 32, 20, SmallBlocks.Q4One, SmallBlockWriter.Q4One, 0, 2);

    /// <summary>5 bits and a scale for 32 numbers.</summary>
    public static WeightFormat Q5Zero { get; } = new("Q5_0", 32, 22, SmallBlocks.Q5Zero, SmallBlockWriter.Q5Zero, 0);

    /// <summary>5 bits, a scale and a minimum for 32 numbers.</summary>
    public static WeightFormat Q5One { get; } = new("Q5_1", 32, 24, SmallBlocks.Q5One, SmallBlockWriter.Q5One, 0, 2);

    /// <summary>4 bits, with scales and minima of 6 bits for 32 numbers, in blocks of 256.</summary>
    public static WeightFormat Q4K { get; } = new("Q4_K", 256, 144, LargeBlocks.Q4, LargeBlockWriter.Q4, 0, 2);

    /// <summary>5 bits, with scales and minima of 6 bits for 32 numbers, in blocks of 256.</summary>
    public static WeightFormat Q5K { get; } = new("Q5_K", 256, 176, LargeBlocks.Q5, LargeBlockWriter.Q5, 0, 2);

    /// <summary>6 bits, with scales of 8 bits for 16 numbers, in blocks of 256.</summary>
    public static WeightFormat Q6K { get; } = new("Q6_K", 256, 210, LargeBlocks.Q6, LargeBlockWriter.Q6, 208);

    /// <summary>Floating-point numbers of 4 bits, with a power of two for 32 of them.</summary>
    public static WeightFormat Mxfp4 { get; } = new("MXFP4", 32, 17, SmallBlocks.Mxfp4, null);

    /// <summary>4 bits, a scale and a zero point for 32 numbers. In memory only.</summary>
    public static WeightFormat Q4Point { get; } = new("Q4_POINT", 32, 19, SmallBlocks.Q4Point, null, 0);

    /// <summary>Floating-point numbers of 8 bits (E4M3), with a scale for 32 of them. In memory only.</summary>
    public static WeightFormat F8 { get; } = new("F8", 32, 36, SmallBlocks.F8, null);

    /// <summary>All formats.</summary>
    public static IReadOnlyList<WeightFormat> All { get; } =
        [F32, F16, BF16, Q8Zero, Q4Zero, Q4One, Q5Zero, Q5One, Q4K, Q5K, Q6K, Mxfp4, Q4Point, F8];

    /// <summary>Its name, such as <c>Q4_K</c>.</summary>
    public string Name { get; }

    /// <summary>Numbers that a block holds.</summary>
    public int BlockSize { get; }

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>
    /// Positions of the numbers of half precision in a block that the others are multiples of. A weight is finite where
    /// these are.
    /// </summary>
    public IReadOnlyList<int> Halves { get; }

    /// <summary>Whether several numbers share a block.</summary>
    public bool IsQuantized => BlockSize > 1;

    /// <summary>Bytes of a row.</summary>
    /// <param name="columns">Numbers of the row, whole blocks.</param>
    public long RowBytes(long columns) => columns / BlockSize * BlockBytes;

    /// <summary>Converts whole blocks to numbers: the definition that fast kernels are tested against.</summary>
    /// <param name="blocks">The blocks' bytes.</param>
    /// <param name="values">Where the numbers go; exactly as many as the blocks hold.</param>
    /// <exception cref="CrossheadException">The lengths do not fit each other.</exception>
    public void Read(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        RequireBlocks(blocks.Length, values.Length);
        _reader(blocks, values);
    }

    /// <summary>Whether numbers can be written in it.</summary>
    public bool CanWrite => _writer is not null;

    /// <summary>
    /// Converts numbers to whole blocks. Equal numbers give equal bytes on every processor.
    /// </summary>
    /// <param name="values">Finite numbers of whole blocks; of quantised formats within the range of half
    /// precision.</param>
    /// <param name="blocks">Where the bytes go; exactly as many as the blocks have.</param>
    /// <exception cref="CrossheadException">The lengths do not fit each other, or the format cannot be
    /// written.</exception>
    public void Write(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        RequireBlocks(blocks.Length, values.Length);
        (_writer ?? throw new CrossheadException($"type {Name} cannot be written; use one of "
            + $"{string.Join(", ", All.Where(format => format.CanWrite))}."))(values, blocks);
    }

    private void RequireBlocks(int bytes, int numbers)
    {
        if (numbers % BlockSize != 0 || bytes != RowBytes(numbers))
            throw new CrossheadException($"{bytes} bytes of type {Name} do not hold {numbers} numbers; a block of "
                + $"{BlockBytes} bytes holds {BlockSize}.");
    }

    /// <summary>Its name.</summary>
    public override string ToString() => Name;
}
