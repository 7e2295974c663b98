using Crosshead.Checkpoints.Gguf;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// Models for inference with random weights, to measure speed without a file: tensors, or rows that lie in memory as a
/// GGUF file holds them. Such rows of a matrix repeat.
/// </summary>
public static class DrawnModel
{
    private const int DrawnRows = 16; // of each matrix

    /// <summary>Makes a frozen model.</summary>
    /// <param name="options">Its shape.</param>
    /// <param name="recipe">The types of the weights. What GGUF has no place for is a tensor. Null: all are.</param>
    /// <param name="type">Precision of the computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The options do not fit each other, or there is not enough
    /// memory.</exception>
    public static LanguageModel Of(ModelOptions options, GgufRecipe? recipe, ScalarType type, Device? device = null)
    {
        options.Validate();
        return Filled(recipe is null ? new LanguageModel(options, type, device, type)
            : LanguageModel.Over(options, type, device, Rows(options, recipe)), type, recipe is null);
    }

    /// <summary>Makes the part of a model that a rank has. Its device's own random numbers are drawn.</summary>
    internal static LanguageModel Of(ModelPart part, GgufRecipe? recipe, ScalarType type, Device device) =>
        Filled(LanguageModel.Of(part, type, device, recipe is null ? null : Rows(part.Whole, recipe)), type,
            recipe is null);

    // Many large tensors are drawn on their device.
    private static LanguageModel Filled(LanguageModel model, ScalarType type, bool onDevice)
    {
        using (no_grad())
        using (NewDisposeScope())
        {
            using var random = new Generator(1);
            foreach (var parameter in model.Parameters.Where(p => p.Stored is null))
            {
                if (onDevice && parameter.Kind is ParameterKind.Matrix or ParameterKind.Embedding)
                    parameter.Value.normal_(0, model.Options.InitializerRange);
                else parameter.Initialize(random);
            }
        }
        model.Freeze(type);
        return model;
    }

    // Random rows of the parameters that GGUF has a place for, by name.
    private static Func<string, WeightMatrix?> Rows(ModelOptions options, GgufRecipe recipe)
    {
        var formats = Formats(options, recipe);
        var drawn = new Dictionary<(WeightFormat, int), byte[]>();
        return name => formats[name] is { Shape: [var rows, var columns], Format: { } format }
            ? Draw(format, rows, (int)columns, options.InitializerRange, drawn) : null;
    }

    /// <summary>Bytes that the weights of a model take.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="recipe">The types of the weights.</param>
    /// <param name="type">Precision of what GGUF has no place for.</param>
    public static long BytesOf(ModelOptions options, GgufRecipe recipe, ScalarType type) =>
        Formats(options, recipe).Values.Sum(p => (p.Format ?? (type == ScalarType.Float32 ? WeightFormat.F32
            : WeightFormat.BF16)).RowBytes(p.Shape.Aggregate(1L, (product, size) => product * size)));

    // The shape of each parameter, and its format; null for vectors, and for what GGUF has no place for.
    private static Dictionary<string, (long[] Shape, WeightFormat? Format)> Formats(ModelOptions options,
        GgufRecipe recipe)
    {
        var facts = new GgufModelFacts(options.Layers, options.Experts?.Count ?? 0, options.TieEmbeddings);
        return ModelParts.Shapes(options).ToDictionary(p => p.Name, p => (p.Shape, p.Shape.Length == 2
            && GgufNames.Find(p.Name, out _) is { } name ? recipe.TypeOf(name, p.Shape, facts).Format : null));
    }

    private static WeightMatrix Draw(WeightFormat format, long rows, int columns, double deviation,
        Dictionary<(WeightFormat, int), byte[]> drawn)
    {
        var bytes = (int)format.RowBytes(columns);
        if (!drawn.TryGetValue((format, columns), out var some))
        {
            var (random, numbers) = (new Random(1), new float[DrawnRows * columns]);
            for (var i = 0; i < numbers.Length; i++) // Box and Muller's
                numbers[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
                    * Math.Cos(2 * Math.PI * random.NextDouble()));
            drawn[(format, columns)] = some = new byte[DrawnRows * bytes];
            format.Write(numbers, some);
        }
        var matrix = WeightMatrix.OfZeros(format, rows, columns);
        Parallel.For(0, (rows + DrawnRows - 1) / DrawnRows, part =>
        {
            for (var row = part * DrawnRows; row < Math.Min(rows, (part + 1) * DrawnRows); row++)
                some.AsSpan((int)(row % DrawnRows) * bytes, bytes).CopyTo(matrix.BytesOf(row));
        });
        return matrix;
    }
}
