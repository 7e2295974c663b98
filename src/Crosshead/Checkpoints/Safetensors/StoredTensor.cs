using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>A tensor that is to be written, which need not exist before.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Type">Its type.</param>
/// <param name="Read">Makes the tensor, on any device, within the caller's scope.</param>
internal sealed record StoredTensor(string Name, IReadOnlyList<long> Shape, ScalarType Type, Func<Tensor> Read)
{
    /// <summary>A tensor that exists.</summary>
    public StoredTensor(string name, Tensor tensor) : this(name, tensor.shape, tensor.dtype, () => tensor)
    {
    }

    /// <summary>
    /// Has others write its bytes, in its own type, into the file from the stream's position on, and moves the position
    /// behind them. Null where what is read is to be written.
    /// </summary>
    public Action<FileStream>? WriteTogether { get; init; }

    /// <summary>
    /// Called once after the last tensor of a file, the same for all that are written together: returns when others
    /// have written, and throws an <see cref="IOException"/> if they could not.
    /// </summary>
    public Action? EndTogether { get; init; }

    /// <summary>Number of its elements.</summary>
    public long NumberOfElements { get; } = Shape.Aggregate(1L, (product, dimension) => product * dimension);

    /// <summary>The type in which it is written.</summary>
    /// <param name="asked">The type for floating-point tensors; null for their own.</param>
    public ScalarType TypeIn(ScalarType? asked) =>
        asked is { } type && SafetensorsType.Of(Type) is { IsFloat: true } ? type : Type;

    /// <summary>Bytes that it takes in a file.</summary>
    /// <param name="asked">The type for floating-point tensors; null for their own.</param>
    public long BytesIn(ScalarType? asked) => NumberOfElements * (SafetensorsType.Of(TypeIn(asked))?.Bits ?? 0) / 8;
}
