using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>A weight that is stored as it is. It is read without a copy, whole.</summary>
/// <param name="entry">The stored tensor.</param>
internal sealed class TensorWeight(SafetensorsEntry entry) : StoredWeight(entry.Name, entry.Shape, entry)
{
    /// <summary>The stored tensor.</summary>
    public SafetensorsEntry Entry => entry;

    /// <inheritdoc/>
    public override string TypeName => entry.Type.Name;

    /// <inheritdoc/>
    public override bool IsReadable => entry.Type.IsFloat;

    /// <inheritdoc/>
    public override IEnumerable<(long Start, long Count)> Pieces => [(0, Shape is [var rows, ..] ? rows : 1)];

    /// <inheritdoc/>
    public override Tensor Read(WeightFiles files, long start, long count) => files.Map(entry.Name);
}
