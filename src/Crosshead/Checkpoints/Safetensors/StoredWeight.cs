using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>A weight as files store it: as one tensor, or as several tensors that hold it quantised.</summary>
/// <param name="name">Its name.</param>
/// <param name="shape">Its shape.</param>
/// <param name="tensors">The stored tensors that hold it, at least one.</param>
internal abstract class StoredWeight(string name, long[] shape, params SafetensorsEntry[] tensors)
{
    /// <summary>Its name within the model, which is that of a parameter.</summary>
    public string Name { get; private set; } = name;

    /// <summary>Its shape.</summary>
    public long[] Shape { get; } = shape;

    /// <summary>The stored tensors that hold it.</summary>
    public IReadOnlyList<SafetensorsEntry> Tensors { get; } = tensors;

    /// <summary>The weight itself, with another name within the model.</summary>
    public StoredWeight Named(string name)
    {
        Name = name;
        return this;
    }

    /// <summary>Number of elements.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Name of the type of its stored numbers.</summary>
    public abstract string TypeName { get; }

    /// <summary>Whether its values are floating-point numbers that can be read.</summary>
    public abstract bool IsReadable { get; }

    /// <summary>The pieces in which it is best read, as first index and count along its first dimension.</summary>
    public abstract IEnumerable<(long Start, long Count)> Pieces { get; }

    /// <summary>The values of a piece, a contiguous floating-point tensor on the CPU.</summary>
    /// <exception cref="CrossheadException">A file was cut short, or the stored numbers make no values.</exception>
    public abstract Tensor Read(WeightFiles files, long start, long count);

    /// <summary>
    /// A parameter of the weight in blocks that are multiplied as they are; null if no format has its numbers.
    /// </summary>
    /// <param name="files">The files with its tensors, whose pages no longer count as memory afterwards.</param>
    /// <param name="memory">Where the blocks go.</param>
    /// <param name="part">The parameter.</param>
    public virtual WeightMatrix? Packed(WeightFiles files, WeightMemory memory, StoredPart part) => null;
}
