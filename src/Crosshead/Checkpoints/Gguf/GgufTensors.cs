using Crosshead.Runtime;
using Crosshead.Weights;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Adds the tensors of a model to a GGUF file, each in the type that a recipe gives it. Tensors are converted one after
/// the other and in pieces, so that few numbers are in memory at once; the rows of a piece are converted in parallel.
/// </summary>
internal sealed class GgufTensors(GgufWriter writer, GgufRecipe recipe, GgufModelFacts model)
{
    private const int ElementsAtOnce = 1 << 22;
    private const float LargestHalf = 65504;

    // The smallest numbers that become infinite.
    private const float BeyondF16 = 65520, BeyondBF16 = 3.3961775e38f;

    private long _done, _total;

    /// <summary>Takes the progress while the file is written.</summary>
    public IProgress<GgufProgress>? Progress { get; init; }

    /// <summary>Stops writing.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Reads numbers of a tensor: the index of the first, and where they go. Called in parallel.</summary>
    public delegate void Reader(long first, Span<float> values);

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its sizes, the row's length last.</param>
    /// <param name="write">Is called when the tensor is written, with what must be given a reader of the
    /// numbers.</param>
    public void Add(string name, long[] shape, Action<Action<Reader>> write) =>
        Add(name, recipe.TypeOf(name, shape, model), shape, write);

    /// <summary>Adds a tensor in a type.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">The type.</param>
    /// <param name="shape">Its sizes, the row's length last.</param>
    /// <param name="write">As for the other tensors.</param>
    public void Add(string name, GgufType type, long[] shape, Action<Action<Reader>> write)
    {
        _total += shape.Aggregate(1L, (product, size) => product * size);
        writer.AddTensor(name, type, shape, stream => write(reader => Convert(stream, name, type, shape, reader)));
    }

    /// <summary>Adds a tensor of another file. If it has the right type already, its bytes are copied.</summary>
    public void Add(GgufReader file, GgufTensor tensor)
    {
        var (name, shape) = (tensor.Name, tensor.Shape);
        if (recipe.TypeOf(name, shape, model) != tensor.Type)
        {
            Add(name, shape, convert => convert((first, values) => file.Read(name, first, values)));
            return;
        }
        _total += tensor.Elements;
        writer.AddTensor(name, tensor.Type, shape, stream => Copy(stream, file, tensor));
    }

    /// <summary>Adds a tensor whose bytes exist already.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its type.</param>
    /// <param name="shape">Its sizes, the row's length last.</param>
    /// <param name="write">Writes the bytes.</param>
    public void AddCopy(string name, GgufType type, long[] shape, Action<Stream> write)
    {
        var elements = shape.Aggregate(1L, (product, size) => product * size);
        _total += elements;
        writer.AddTensor(name, type, shape, stream =>
        {
            Cancellation.ThrowIfCancellationRequested();
            write(stream);
            Progress?.Report(new GgufProgress(name, _done += elements, _total));
        });
    }

    private void Copy(Stream stream, GgufReader file, GgufTensor tensor)
    {
        var bytes = new byte[Math.Min(tensor.Bytes, 4 * ElementsAtOnce)];
        for (var first = 0L; first < tensor.Bytes; first += bytes.Length)
        {
            Cancellation.ThrowIfCancellationRequested();
            var piece = bytes.AsSpan(0, (int)Math.Min(bytes.Length, tensor.Bytes - first));
            file.ReadBytes(tensor.Name, first, piece);
            stream.Write(piece);
        }
        _done += tensor.Elements;
        Progress?.Report(new GgufProgress(tensor.Name, _done, _total));
    }

    private void Convert(Stream stream, string name, GgufType type, long[] shape, Reader read)
    {
        var (format, columns) = (type.Format!, checked((int)shape[^1]));
        var rows = shape.Aggregate(1L, (product, size) => product * size) / columns;
        var most = (int)Math.Clamp(ElementsAtOnce / columns, 1, rows);
        var rowBytes = checked((int)format.RowBytes(columns));
        var (values, blocks) = (new float[most * columns], new byte[most * rowBytes]);
        var options = new ParallelOptions { MaxDegreeOfParallelism = ComputeThreads.Count };
        for (var first = 0L; first < rows; first += most)
        {
            Cancellation.ThrowIfCancellationRequested();
            var (count, beyond) = ((int)Math.Min(most, rows - first), 0L);
            try
            {
                Parallel.For(0, count, options, row =>
                {
                    var numbers = values.AsSpan(row * columns, columns);
                    read((first + row) * columns, numbers);
                    if (Beyond(format, numbers) is var bad and > 0) Interlocked.Add(ref beyond, bad);
                    else format.Write(numbers, blocks.AsSpan(row * rowBytes, rowBytes));
                });
            }
            catch (AggregateException e) when (e.InnerExceptions.OfType<CrossheadException>().FirstOrDefault()
                is { } cause)
            {
                throw new CrossheadException(cause.Message, cause);
            }
            if (beyond > 0)
                throw new CrossheadException($"tensor {name} has {beyond} values that are not finite as {type.Name}; "
                    + "write the model in bf16 or f32.");
            stream.Write(blocks, 0, count * rowBytes);
            _done += (long)count * columns;
            Progress?.Report(new GgufProgress(name, _done, _total));
        }
    }

    // How many numbers have no finite value in a format.
    private static long Beyond(WeightFormat format, ReadOnlySpan<float> numbers)
    {
        var limit = format == WeightFormat.F32 ? float.PositiveInfinity : format == WeightFormat.BF16 ? BeyondBF16
            : format == WeightFormat.F16 ? BeyondF16 : MathF.BitIncrement(LargestHalf);
        var count = 0L;
        foreach (var number in numbers)
            if (!(MathF.Abs(number) < limit)) count++;
        return count;
    }
}
