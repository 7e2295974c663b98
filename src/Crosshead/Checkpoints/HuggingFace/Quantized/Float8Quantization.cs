using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// The method <c>fp8</c>: weights are 8-bit floating-point numbers. DeepSeek and Qwen store a scale for each block of
/// the weight, <c>weight_scale_inv</c> [⌈outputs / 128⌉, ⌈inputs / 128⌉], which multiplies despite its name. Without
/// <c>weight_block_size</c> one <c>weight_scale</c> serves the whole weight.
/// </summary>
internal sealed class Float8Quantization : IQuantization
{
    private readonly (int Rows, int Columns)? _block;

    private Float8Quantization((int Rows, int Columns)? block) => _block = block;

    /// <inheritdoc/>
    public string Description => _block is var (rows, columns)
        ? $"fp8: 8-bit floating-point numbers, blocks of {rows} × {columns}"
        : "fp8: 8-bit floating-point numbers, a scale per weight";

    /// <inheritdoc/>
    public IReadOnlyList<string> Unquantized => ["activations"];

    /// <summary>Reads the settings.</summary>
    /// <exception cref="CrossheadException">A setting is missing, or not supported.</exception>
    public static Float8Quantization Read(ConfigValues values)
    {
        if (!values.Or("fmt", "e4m3").Equals("e4m3", StringComparison.OrdinalIgnoreCase))
            throw Quantizations.NotSupported(values, "fmt", "e4m3");
        if (values["weight_block_size"] is null) return new(null);
        return values.Or<int[]>("weight_block_size", []) is [> 0 and var rows, > 0 and var columns]
            ? new((rows, columns))
            : throw Quantizations.NotSupported(values, "weight_block_size", "two positive numbers");
    }

    /// <inheritdoc/>
    public StoredWeight? WeightOf(ModuleTensors module)
    {
        if (module.Find("weight")?.Type.Name != Float8.TypeName) return null;
        var codes = module.Required("weight", 2, Float8.TypeName);
        var (rows, columns) = (codes.Shape[0], codes.Shape[1]);
        var scales = module.Required(_block is null ? "weight_scale" : "weight_scale_inv");
        return new QuantizedWeight(module, new PlainNumbers(codes, rows, columns), new ZeroPoints(0),
            Scales.Grid(module, scales, rows, columns, _block?.Rows ?? rows, _block?.Columns ?? columns));
    }

    /// <inheritdoc/>
    public bool IsUnused(string tensor) => Scales.IsOfActivations(tensor);
}
