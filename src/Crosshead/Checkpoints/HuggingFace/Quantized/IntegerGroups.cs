namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>What GPTQ and AWQ have in common: the number of bits, and the columns that share a scale.</summary>
/// <param name="Bits">Bits per weight.</param>
/// <param name="Size">Columns per scale; −1 for all of a row.</param>
internal sealed record IntegerGroups(int Bits, long Size)
{
    /// <summary>Reads the settings.</summary>
    /// <param name="values">The <c>quantization_config</c>.</param>
    /// <param name="bits">The supported numbers of bits.</param>
    /// <exception cref="CrossheadException">A setting is missing, or not supported.</exception>
    public static IntegerGroups Read(ConfigValues values, params int[] bits)
    {
        var read = new IntegerGroups(values.Required<int>("bits"), values.Required<int>("group_size"));
        if (!bits.Contains(read.Bits))
            throw Quantizations.NotSupported(values, "bits", string.Join(" or ", bits));
        return read.Size is -1 or > 0 ? read
            : throw Quantizations.NotSupported(values, "group_size", "-1 or a positive number");
    }

    /// <summary>Columns per scale for a weight with so many columns.</summary>
    public long SizeFor(ModuleTensors module, long columns)
    {
        var size = Size == -1 ? columns : Size;
        module.RequireDivisor(size, columns);
        return size;
    }

    /// <summary>The settings in words.</summary>
    public override string ToString() =>
        $"{Bits}-bit integers, {(Size == -1 ? "a scale per row" : $"groups of {Size}")}";
}
