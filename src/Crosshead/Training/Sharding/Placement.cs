using System.Globalization;
using System.Text.RegularExpressions;
using Crosshead.Kernels.Common;
using Crosshead.Layers;

namespace Crosshead.Training.Sharding;

/// <summary>Where a parameter lies.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Index">Its index among all trained parameters, in the order of the optimizer's groups.</param>
/// <param name="Group">Index of its group.</param>
/// <param name="FirstBlock">Index of its first <see cref="TensorBlock"/> among those of all trained parameters.</param>
/// <param name="Position">Its index among all of the model's parameters, in the order of the forward pass.</param>
/// <param name="Start">Its first element in its bucket.</param>
internal sealed partial record Placement(Parameter Parameter, int Index, int Group, int FirstBlock, int Position,
    long Start = 0)
{
    /// <summary>Its elements.</summary>
    public long Count { get; } = Parameter.Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Its blocks.</summary>
    public int Blocks => (int)((Count + TensorBlock.Length - 1) / TensorBlock.Length);

    /// <summary>Past its last element in its bucket.</summary>
    public long End => Start + Count;

    /// <summary>The model's layer that it belongs to, from 0; null for the embedding, the last norm and the
    /// head.</summary>
    public int? Layer { get; } = LayerOf(Parameter);

    /// <summary>The layer of a parameter; null for the embedding, the last norm and the head.</summary>
    public static int? LayerOf(Parameter parameter) => InLayer().Match(parameter.Name) is { Success: true } layer
        ? int.Parse(layer.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^model\.layers\.(\d+)\.")]
    private static partial Regex InLayer();
}
