using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// AWQ (<see href="https://arxiv.org/abs/2306.00978">arXiv 2306.00978</see>) as AutoAWQ stores it for its kernel
/// <c>gemm</c>. <c>qweight</c> [inputs, outputs / 8] and <c>qzeros</c> [groups, outputs / 8] pack eight outputs into a
/// word, in an order of their own. <c>scales</c> is [groups, outputs].
/// </summary>
internal sealed class AwqQuantization : IQuantization
{
    private const int PerWord = 8;

    // Outputs 0, 2, 4, 6, 1, 3, 5, 7 lie in a word from its lowest bits; here is the place of each output.
    private static readonly int[] PlaceOfOutput = [0, 4, 1, 5, 2, 6, 3, 7];

    private readonly IntegerGroups _groups;

    private AwqQuantization(IntegerGroups groups) => _groups = groups;

    /// <inheritdoc/>
    public string Description => $"awq: {_groups}";

    /// <inheritdoc/>
    public IReadOnlyList<string> Unquantized => [];

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CrossheadException">A setting is missing, or not supported.</exception>
    public static AwqQuantization Read(ConfigValues values)
    {
        if (!values.Or("version", "gemm").Equals("gemm", StringComparison.OrdinalIgnoreCase))
            throw Quantizations.NotSupported(values, "version", "gemm");
        if (!values.Or("zero_point", true)) throw Quantizations.NotSupported(values, "zero_point", "true");
        return new(IntegerGroups.Read(values, 4));
    }

    /// <inheritdoc/>
    public StoredWeight? WeightOf(ModuleTensors module)
    {
        if (module.Find("qweight") is null) return null;
        var codes = module.Required("qweight", 2, "I32");
        var (columns, rows) = (codes.Shape[0], codes.Shape[1] * PerWord);
        var size = _groups.SizeFor(module, columns);
        var groups = columns / size;
        var scales = module.Required("scales", 2, "F16", "BF16", "F32");
        module.RequireShape(scales, groups, rows);
        var zeros = module.Required("qzeros", 2, "I32");
        module.RequireShape(zeros, groups, rows / PerWord);
        PackedNumbers Packed(Safetensors.SafetensorsEntry entry, long inputs) =>
            new(entry, rows, inputs) { Bits = _groups.Bits, Along = 1, Transposed = true, Order = PlaceOfOutput };
        return new QuantizedWeight(module, Packed(codes, columns), new ZeroPoints(0, Packed(zeros, groups)),
            new ScaleGrid(new PlainNumbers(scales, rows, groups, Transposed: true), 1, size));
    }

    /// <inheritdoc/>
    public bool IsUnused(string tensor) => false;
}
