using Crosshead.Kernels.Common;
using Crosshead.Layers;

namespace Crosshead.Training.Sharding;

/// <summary>Where a parameter lies.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Index">Its index among all trained parameters, in the order of the optimizer's groups.</param>
/// <param name="Group">Index of its group.</param>
/// <param name="FirstBlock">Index of its first <see cref="TensorBlock"/> among those of all trained parameters.</param>
/// <param name="Start">Its first element in its bucket.</param>
internal sealed record Placement(Parameter Parameter, int Index, int Group, int FirstBlock, long Start)
{
    /// <summary>Its elements.</summary>
    public long Count { get; } = Parameter.Value.NumberOfElements;

    /// <summary>Its blocks.</summary>
    public int Blocks => (int)((Count + TensorBlock.Length - 1) / TensorBlock.Length);

    /// <summary>Past its last element in its bucket.</summary>
    public long End => Start + Count;
}
