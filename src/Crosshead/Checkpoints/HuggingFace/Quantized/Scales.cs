using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>The ways in which scales of a weight [rows, columns] are stored.</summary>
internal static class Scales
{
    private static readonly string[] Types = ["F32", "F16", "BF16"];

    // Scales and zero points of what goes into a module, comes out of it, or is kept in the cache.
    private static readonly string[] OfActivations =
    [
        "input_scale", "input_zero_point", "output_scale", "output_zero_point",
        "q_scale", "q_zero_point", "k_scale", "k_zero_point", "v_scale", "v_zero_point",
    ];

    /// <summary>Whether a tensor belongs to quantised activations or to a quantised cache.</summary>
    public static bool IsOfActivations(string tensor) =>
        OfActivations.Contains(tensor[(tensor.LastIndexOf('.') + 1)..]);

    /// <summary>A scale for each block of so many rows and columns.</summary>
    /// <param name="module">The module.</param>
    /// <param name="scales">The stored scales.</param>
    /// <param name="rows">Rows of the weight.</param>
    /// <param name="columns">Columns of the weight.</param>
    /// <param name="rowsEach">Rows per scale.</param>
    /// <param name="columnsEach">Columns per scale.</param>
    /// <param name="groupOfColumn">A stored tensor with the group of each column; null if they are in order.</param>
    /// <exception cref="CrossheadException">The scales have another type or shape.</exception>
    public static ScaleGrid Grid(ModuleTensors module, SafetensorsEntry scales, long rows, long columns, long rowsEach,
        long columnsEach, SafetensorsEntry? groupOfColumn = null)
    {
        module.RequireType(scales, Types);
        var (high, wide) = (Parts(rows, rowsEach), Parts(columns, columnsEach));
        // One column may be stored as a vector, and one scale as a tensor without dimensions.
        var isShort = wide == 1 && (scales.Shape.SequenceEqual([high]) || (high == 1 && scales.Shape is []));
        if (!isShort) module.RequireShape(scales, high, wide);
        return new(new PlainNumbers(scales, high, wide), rowsEach, columnsEach, groupOfColumn);
    }

    /// <summary>How many parts of a size there are; the last may be smaller.</summary>
    public static long Parts(long count, long size) => (count + size - 1) / size;
}
