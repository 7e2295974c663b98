using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// GPTQ (<see href="https://arxiv.org/abs/2210.17323">arXiv 2210.17323</see>) as AutoGPTQ and GPTQModel store it.
/// <c>qweight</c> [inputs · bits / 32, outputs] packs codes along inputs, <c>qzeros</c> [groups, outputs · bits / 32]
/// packs zero points along outputs, <c>scales</c> is [groups, outputs], and <c>g_idx</c> [inputs] names the group of
/// each input. The format <c>gptq</c> stores the zero point less one, <c>gptq_v2</c> the zero point itself.
/// </summary>
internal sealed class GptqQuantization : IQuantization
{
    private readonly IntegerGroups _groups;
    private readonly int _zeroOffset;
    private readonly string _format;

    private GptqQuantization(IntegerGroups groups, string format) =>
        (_groups, _format, _zeroOffset) = (groups, format, format == "gptq" ? 1 : 0);

    /// <inheritdoc/>
    public string Description => $"{_format}: {_groups}";

    /// <inheritdoc/>
    public IReadOnlyList<string> Unquantized => [];

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CrossheadException">A setting is missing, or not supported.</exception>
    public static GptqQuantization Read(ConfigValues values)
    {
        var format = values.Or("checkpoint_format", "gptq");
        if (format is not ("gptq" or "gptq_v2"))
            throw Quantizations.NotSupported(values, "checkpoint_format", "gptq or gptq_v2");
        // Rules that begin with "-:" leave modules out. Any other rule gives a module other settings.
        if (values.Child("dynamic")?.Keys.Any(rule => !rule.StartsWith("-:", StringComparison.Ordinal)) == true)
            throw Quantizations.NotSupported(values, "dynamic", "null, or rules that begin with \"-:\"");
        return new(IntegerGroups.Read(values, 2, 4, 8), format);
    }

    /// <inheritdoc/>
    public StoredWeight? WeightOf(ModuleTensors module)
    {
        if (module.Find("qweight") is null) return null;
        var codes = module.Required("qweight", 2, "I32");
        var perWord = 32 / _groups.Bits;
        var (columns, rows) = (codes.Shape[0] * perWord, codes.Shape[1]);
        var size = _groups.SizeFor(module, columns);
        var groups = columns / size;
        var scales = module.Required("scales", 2, "F16", "BF16", "F32");
        module.RequireShape(scales, groups, rows);
        var zeros = module.Required("qzeros", 2, "I32");
        module.RequireShape(zeros, groups, (rows + perWord - 1) / perWord);
        var groupOfColumn = module.Find("g_idx");
        if (groupOfColumn is not null)
        {
            module.RequireType(groupOfColumn, "I32", "I64");
            module.RequireShape(groupOfColumn, columns);
        }
        return new QuantizedWeight(module,
            new PackedNumbers(codes, rows, columns) { Bits = _groups.Bits, Along = 0, Transposed = true },
            new ZeroPoints(_zeroOffset,
                new PackedNumbers(zeros, rows, groups) { Bits = _groups.Bits, Along = 1, Transposed = true }),
            new ScaleGrid(new PlainNumbers(scales, rows, groups, Transposed: true), 1, size, groupOfColumn));
    }

    /// <inheritdoc/>
    public bool IsUnused(string tensor) => false;
}
