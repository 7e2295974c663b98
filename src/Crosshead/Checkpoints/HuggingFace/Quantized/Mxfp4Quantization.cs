using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// MXFP4 as gpt-oss stores the experts of a layer: <c>experts.gate_up_proj_blocks</c> [E, rows, n, 16] and
/// <c>experts.gate_up_proj_scales</c> [E, rows, n], and the same of <c>down_proj</c>. Other weights are stored plainly.
/// </summary>
internal sealed class Mxfp4Quantization : IQuantization
{
    private const string Blocks = "blocks", Scales = "scales", Bytes = "U8";

    /// <inheritdoc/>
    public string Description => "mxfp4: 4-bit floating-point numbers, groups of 32";

    /// <inheritdoc/>
    public IReadOnlyList<string> Unquantized => [];

    /// <inheritdoc/>
    public char Separator => '_';

    /// <summary>Reads a <c>quantization_config</c>, which says no more than the method.</summary>
    public static Mxfp4Quantization Read(ConfigValues values) => new();

    /// <inheritdoc/>
    public StoredWeight? WeightOf(ModuleTensors module)
    {
        if (module.Find(Blocks) is null) return null;
        var blocks = module.Required(Blocks, 4, Bytes);
        if (blocks.Shape[3] != Mxfp4Weight.BlockBytes)
            throw module.Error($"tensor \"{blocks.Name}\" has blocks of {blocks.Shape[3]} bytes; MXFP4 has "
                + $"{Mxfp4Weight.BlockBytes}");
        var scales = module.Required(Scales, 3, Bytes);
        module.RequireShape(scales, blocks.Shape[..3]);
        return new Mxfp4Weight(blocks, scales);
    }

    /// <inheritdoc/>
    public bool IsUnused(string tensor) => false;
}
