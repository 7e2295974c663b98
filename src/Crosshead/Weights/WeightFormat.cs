namespace Crosshead.Weights;

/// <summary>
/// How the numbers of a weight matrix are stored. A row is a whole number of blocks, and a block is some bytes that
/// hold several numbers. The layouts are those of the GGUF format; numbers of one element per block are as everywhere.
/// </summary>
internal sealed class WeightFormat
{
    private readonly BlockReader _reader;

    private WeightFormat(string name, int blockSize, int blockBytes, BlockReader reader, params int[] halves) =>
        (Name, BlockSize, BlockBytes, _reader, Halves) = (name, blockSize, blockBytes, reader, halves);

    // Converts whole blocks to numbers.
    private delegate void BlockReader(ReadOnlySpan<byte> blocks, Span<float> values);

    /// <summary>Single precision.</summary>
    public static WeightFormat F32 { get; } = new("F32", 1, 4, FloatBlocks.F32);

    /// <summary>Half precision.</summary>
    public static WeightFormat F16 { get; } = new("F16", 1, 2, FloatBlocks.F16);

    /// <summary>The upper half of single precision.</summary>
    public static WeightFormat BF16 { get; } = new("BF16", 1, 2, FloatBlocks.BF16);

    /// <summary>8 bits and a scale for 32 numbers.</summary>
    public static WeightFormat Q8Zero { get; } = new("Q8_0", 32, 34, SmallBlocks.Q8Zero, 0);

    /// <summary>4 bits and a scale for 32 numbers.</summary>
    public static WeightFormat Q4Zero { get; } = new("Q4_0", 32, 18, SmallBlocks.Q4Zero, 0);

    /// <summary>4 bits, a scale and a minimum for 32 numbers.</summary>
    public static WeightFormat Q4One { get; } = new("Q4_1", 32, 20, SmallBlocks.Q4One, 0, 2);

    /// <summary>5 bits and a scale for 32 numbers.</summary>
    public static WeightFormat Q5Zero { get; } = new("Q5_0", 32, 22, SmallBlocks.Q5Zero, 0);

    /// <summary>5 bits, a scale and a minimum for 32 numbers.</summary>
    public static WeightFormat Q5One { get; } = new("Q5_1", 32, 24, SmallBlocks.Q5One, 0, 2);

    /// <summary>4 bits, with scales and minima of 6 bits for 32 numbers, in blocks of 256.</summary>
    public static WeightFormat Q4K { get; } = new("Q4_K", 256, 144, LargeBlocks.Q4, 0, 2);

    /// <summary>5 bits, with scales and minima of 6 bits for 32 numbers, in blocks of 256.</summary>
    public static WeightFormat Q5K { get; } = new("Q5_K", 256, 176, LargeBlocks.Q5, 0, 2);

    /// <summary>6 bits, with scales of 8 bits for 16 numbers, in blocks of 256.</summary>
    public static WeightFormat Q6K { get; } = new("Q6_K", 256, 210, LargeBlocks.Q6, 208);

    /// <summary>Floating-point numbers of 4 bits, with a power of two for 32 of them.</summary>
    public static WeightFormat Mxfp4 { get; } = new("MXFP4", 32, 17, SmallBlocks.Mxfp4);

    /// <summary>All formats.</summary>
    public static IReadOnlyList<WeightFormat> All { get; } =
        [F32, F16, BF16, Q8Zero, Q4Zero, Q4One, Q5Zero, Q5One, Q4K, Q5K, Q6K, Mxfp4];

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
        if (values.Length % BlockSize != 0 || blocks.Length != RowBytes(values.Length))
            throw new CrossheadException($"{blocks.Length} bytes of type {Name} do not hold {values.Length} numbers; "
                + $"a block of {BlockBytes} bytes holds {BlockSize}.");
        _reader(blocks, values);
    }

    /// <summary>Its name.</summary>
    public override string ToString() => Name;
}
