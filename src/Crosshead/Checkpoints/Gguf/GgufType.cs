using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// An element type of the GGUF format. Elements are stored in blocks: some bytes hold several numbers of one row.
/// </summary>
public sealed class GgufType
{
    private const string Removed = " (the format has removed it)";

    private static readonly uint[] s_removed = [4, 5, 31, 32, 33, 36, 37, 38];

    private GgufType(uint number, string name, int blockSize, int blockBytes) =>
        (Number, Name, BlockSize, BlockBytes) = (number, name, blockSize, blockBytes);

    private GgufType(uint number, WeightFormat format) : this(number, format.Name, format.BlockSize, format.BlockBytes)
        => Format = format;

    /// <summary>All types whose layout is known. The values of some of them can be read.</summary>
    public static IReadOnlyList<GgufType> All { get; } =
    [
        new(0, WeightFormat.F32),
        new(1, WeightFormat.F16),
        new(2, WeightFormat.Q4Zero),
        new(3, WeightFormat.Q4One),
        new(6, WeightFormat.Q5Zero),
        new(7, WeightFormat.Q5One),
        new(8, WeightFormat.Q8Zero),
        new(9, "Q8_1", 32, 36),
        new(10, "Q2_K", 256, 84),
        new(11, "Q3_K", 256, 110),
        new(12, WeightFormat.Q4K),
        new(13, WeightFormat.Q5K),
        new(14, WeightFormat.Q6K),
        new(15, "Q8_K", 256, 292),
        new(16, "IQ2_XXS", 256, 66),
        new(17, "IQ2_XS", 256, 74),
        new(18, "IQ3_XXS", 256, 98),
        new(19, "IQ1_S", 256, 50),
        new(20, "IQ4_NL", 32, 18),
        new(21, "IQ3_S", 256, 110),
        new(22, "IQ2_S", 256, 82),
        new(23, "IQ4_XS", 256, 136),
        new(24, "I8", 1, 1),
        new(25, "I16", 1, 2),
        new(26, "I32", 1, 4),
        new(27, "I64", 1, 8),
        new(28, "F64", 1, 8),
        new(29, "IQ1_M", 256, 56),
        new(30, WeightFormat.BF16),
        new(34, "TQ1_0", 256, 54),
        new(35, "TQ2_0", 256, 66),
        new(39, WeightFormat.Mxfp4),
        new(40, "NVFP4", 64, 36),
        new(41, "Q1_0", 128, 18),
        new(42, "Q2_0", 64, 18),
    ];

    /// <summary>Its number in a file.</summary>
    public uint Number { get; }

    /// <summary>Its name, such as <c>Q4_K</c>.</summary>
    public string Name { get; }

    /// <summary>Numbers that a block holds. A row is a whole number of blocks.</summary>
    public int BlockSize { get; }

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>Whether its values can be read.</summary>
    public bool CanRead => Format is not null;

    /// <summary>The format of weights of this type; null if their values cannot be read.</summary>
    internal WeightFormat? Format { get; }

    /// <summary>The type of this name.</summary>
    /// <exception cref="CrossheadException">There is none.</exception>
    public static GgufType Named(string name) => All.FirstOrDefault(t => t.Name == name)
        ?? throw new CrossheadException($"\"{name.Shown()}\" is no type of GGUF tensors; "
            + Suggestion.For(name, All.Select(t => t.Name)));

    /// <summary>The type of a number in a file; null if it is not known.</summary>
    internal static GgufType? Of(uint number) => All.FirstOrDefault(t => t.Number == number);

    /// <summary>The type whose numbers are stored so; null if the format does not have it.</summary>
    internal static GgufType? Of(WeightFormat stored) => All.FirstOrDefault(t => t.Format == stored);

    /// <summary>The type of numbers that stand alone; null if the format does not have it.</summary>
    internal static GgufType? Of(ScalarType type) => type switch
    {
        ScalarType.Float32 => Named("F32"),
        ScalarType.Float16 => Named("F16"),
        ScalarType.BFloat16 => Named("BF16"),
        _ => null,
    };

    /// <summary>What a message calls a number that is no type.</summary>
    internal static string Unknown(uint number) =>
        $"{number}{(s_removed.Contains(number) ? Removed : "")}; known are {string.Join(", ", All)}";

    /// <summary>Converts whole blocks to numbers.</summary>
    /// <param name="blocks">The blocks' bytes.</param>
    /// <param name="values">Where the numbers go; exactly as many as the blocks hold.</param>
    /// <exception cref="CrossheadException">Its values cannot be read, or the lengths do not fit each
    /// other.</exception>
    public void Read(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        if (Format is null)
            throw new CrossheadException($"values of type {this} cannot be read; readable are {Readable}.");
        Format.Read(blocks, values);
    }

    /// <summary>The names of the types that can be read.</summary>
    internal static string Readable => string.Join(", ", All.Where(t => t.CanRead).Select(t => t.Name));

    /// <summary>What a message says of tensors whose type cannot be read.</summary>
    internal static string Remedy => $"whose values cannot be read; readable are {Readable}. Make a file of one of "
        + "these types, with llama-quantize from the unquantised model.";

    /// <summary>Its name and number.</summary>
    public override string ToString() => $"{Name} ({Number})";
}
