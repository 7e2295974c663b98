using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// Models for inference with random weights, to measure speed without a file: tensors, or rows that lie in memory as
/// files hold them. Such rows of a matrix repeat.
/// </summary>
public static class DrawnModel
{
    private const int DrawnRows = 16; // of each matrix
    private const double DeviationOfFp4 = 2.9, DeviationOfFp8 = 0.39; // of codes that are drawn evenly

    /// <summary>Makes a frozen model.</summary>
    /// <param name="options">Its shape.</param>
    /// <param name="weights">The types of the weights; null for tensors.</param>
    /// <param name="type">Precision of the computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The options do not fit each other, or there is not enough
    /// memory.</exception>
    public static LanguageModel Of(ModelOptions options, DrawnWeights? weights, ScalarType type, Device? device = null)
    {
        options.Validate();
        return Filled(weights is null ? new LanguageModel(options, type, device, type)
            : LanguageModel.Over(options, type, device, Rows(options, weights)), type, weights is null);
    }

    /// <summary>Makes the part of a model that a rank has. Its device's own random numbers are drawn.</summary>
    internal static LanguageModel Of(ModelPart part, DrawnWeights? weights, ScalarType type, Device device) =>
        Filled(LanguageModel.Of(part, type, device, weights is null ? null : Rows(part.Whole, weights)), type,
            weights is null);

    // Many large tensors are drawn on their device.
    private static LanguageModel Filled(LanguageModel model, ScalarType type, bool onDevice)
    {
        LibTorch.EnsureLoaded();
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

    // Random rows of the parameters that are no tensors, by name.
    private static Func<string, WeightMatrix?> Rows(ModelOptions options, DrawnWeights weights)
    {
        var formats = Formats(options, weights);
        var drawn = new Dictionary<(WeightFormat, int), byte[]>();
        return name => formats[name] is { Shape: [var rows, var columns], Format: { } format }
            ? Draw(format, rows, (int)columns, options.InitializerRange, drawn) : null;
    }

    /// <summary>Bytes that the weights of a model take.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="weights">The types of the weights.</param>
    /// <param name="type">Precision of tensors.</param>
    public static long BytesOf(ModelOptions options, DrawnWeights weights, ScalarType type) =>
        Formats(options, weights).Values.Sum(p => (p.Format ?? (type == ScalarType.Float32 ? WeightFormat.F32
            : WeightFormat.BF16)).RowBytes(p.Shape.Aggregate(1L, (product, size) => product * size)));

    // The shape of each parameter, and its format; null for a tensor.
    private static Dictionary<string, (long[] Shape, WeightFormat? Format)> Formats(ModelOptions options,
        DrawnWeights weights) => ModelParts.Shapes(options).ToDictionary(p => p.Name,
            p => (p.Shape, weights.FormatOf(p.Name, p.Shape, options)));

    private static WeightMatrix Draw(WeightFormat format, long rows, int columns, double deviation,
        Dictionary<(WeightFormat, int), byte[]> drawn)
    {
        var bytes = (int)format.RowBytes(columns);
        if (!drawn.TryGetValue((format, columns), out var some))
        {
            drawn[(format, columns)] = some = new byte[DrawnRows * bytes];
            if (format.CanWrite) format.Write(Numbers(DrawnRows * columns, deviation), some);
            else DrawBlocks(format, some, deviation);
        }
        var matrix = WeightMatrix.OfZeros(format, rows, columns);
        Parallel.For(0, (rows + DrawnRows - 1) / DrawnRows, part =>
        {
            for (var row = part * DrawnRows; row < Math.Min(rows, (part + 1) * DrawnRows); row++)
                some.AsSpan((int)(row % DrawnRows) * bytes, bytes).CopyTo(matrix.BytesOf(row));
        });
        return matrix;
    }

    private static float[] Numbers(int count, double deviation)
    {
        var (random, numbers) = (new Random(1), new float[count]);
        for (var i = 0; i < numbers.Length; i++) // Box and Muller's
            numbers[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
                * Math.Cos(2 * Math.PI * random.NextDouble()));
        return numbers;
    }

    // Random blocks of floating-point numbers with a scale, which nothing writes. All codes are drawn alike.
    private static void DrawBlocks(WeightFormat format, Span<byte> blocks, double deviation)
    {
        new Random(1).NextBytes(blocks);
        for (var at = 0; at < blocks.Length; at += format.BlockBytes)
        {
            var block = blocks.Slice(at, format.BlockBytes);
            if (format == WeightFormat.Mxfp4)
                block[0] = (byte)(127 + Math.Round(Math.Log2(deviation / DeviationOfFp4)));
            else
            {
                foreach (ref var code in block[sizeof(float)..]) code &= 0xb7; // less than 2, and so no NaN
                BitConverter.TryWriteBytes(block, (float)(deviation / DeviationOfFp8));
            }
        }
    }
}
