using Crosshead.Kernels.WeightProducts;
using Crosshead.Layers;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Makes the matrices of a model ready for products: those in files are used where they lie if their format allows, all
/// others are copied.
/// </summary>
/// <param name="type">Precision of copies, float32 or bfloat16.</param>
/// <param name="memory">Where copies lie.</param>
internal sealed class WeightReader(ScalarType type, WeightMemory memory)
{
    private readonly WeightFormat _format = FormatOf(type);

    /// <summary>A parameter's matrix [outputs, inputs].</summary>
    public WeightMatrix Read(Parameter parameter)
    {
        if (parameter.Stored is not { } stored) return Copy(Values(parameter), (int)parameter.Shape[^1]);
        if (IsUsable(stored, _format)) return stored.Part(0, stored.Rows);
        var copy = Empty(stored.Rows, stored.Columns);
        Parallel.For(0, stored.Rows, () => new float[stored.Columns], (row, _, values) =>
        {
            stored.Read(row, values);
            copy.Write(row, values);
            return values;
        }, _ => { });
        stored.SetAside();
        return copy;
    }

    /// <summary>The format that a parameter's matrix is read in.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="type">Precision of copies.</param>
    public static WeightFormat FormatOf(Parameter parameter, ScalarType type) =>
        parameter.Stored is { } stored && IsUsable(stored, FormatOf(type)) ? stored.Format : FormatOf(type);

    /// <summary>A reader whose copies have another precision and lie in the same memory.</summary>
    public WeightReader In(ScalarType other) => new(other, memory);

    /// <summary>A matrix of numbers, row by row.</summary>
    public WeightMatrix Copy(float[] values, int columns)
    {
        var copy = Empty(values.Length / columns, columns);
        Parallel.For(0, copy.Rows, row => copy.Write(row, values.AsSpan((int)row * columns, columns)));
        return copy;
    }

    /// <summary>The numbers of a parameter, in the order of its axes.</summary>
    public static float[] Values(Parameter parameter)
    {
        if (parameter.Stored is not { } stored) return ParameterReader.Values(parameter.Value);
        var values = new float[stored.Rows * stored.Columns];
        for (var row = 0; row < stored.Rows; row++)
            stored.Read(row, values.AsSpan(row * stored.Columns, stored.Columns));
        return values;
    }

    // Rows of dense formats are read in sixteens. Single precision is as much as is asked for, or too much.
    private static bool IsUsable(WeightMatrix stored, WeightFormat asked) => stored.Format.IsQuantized
        || (stored.Columns % RowProducts.Lanes == 0
            && (stored.Format != WeightFormat.F32 || asked == WeightFormat.F32));

    private static WeightFormat FormatOf(ScalarType type) =>
        type == ScalarType.BFloat16 ? WeightFormat.BF16 : WeightFormat.F32;

    // Filled up with zeros to sixteens.
    private WeightMatrix Empty(long rows, int columns) => memory.OfZeros(_format, rows, Panel.Round(columns));
}
