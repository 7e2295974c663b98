using Crosshead.Layers;

namespace Crosshead.Model;

/// <summary>
/// What one of several ranks has of a model. It is a smaller model of the same kind: the shapes of its parameters,
/// beside those of the whole, say where each is cut. Queries, keys, values, gates and ups are cut along their outputs;
/// output and down projections along their inputs, so that the sum over the ranks is due behind them.
/// </summary>
internal sealed class ModelPart
{
    private const string Weight = ".weight", Bias = ".bias";

    private readonly Dictionary<string, ParameterPart> _parts;

    /// <summary>The part of a rank.</summary>
    /// <param name="whole">Shape of the model, validated.</param>
    /// <param name="ranks">The ranks.</param>
    /// <exception cref="CrossheadException">The model cannot be shared out among so many; the message says
    /// why.</exception>
    public ModelPart(ModelOptions whole, ITensorRanks ranks)
    {
        (Whole, Options, Ranks) = (whole, whole.PartOf(ranks.Ranks), ranks);
        var shapes = ModelParts.Shapes(Options).ToDictionary(p => p.Name, p => p.Shape);
        _parts = ModelParts.Shapes(whole)
            .ToDictionary(p => p.Name, p => ParameterPart.Of(p.Shape, shapes[p.Name], ranks.Rank));
        if (ranks.Rank == 0) return;
        // A bias behind a sum counts once.
        foreach (var (name, part) in _parts)
            if (part.IsCutAlongInputs && name.EndsWith(Weight, StringComparison.Ordinal)
                && name[..^Weight.Length] + Bias is var bias && _parts.TryGetValue(bias, out var own))
                _parts[bias] = own with { Count = 0 };
    }

    /// <summary>Shape of the whole model.</summary>
    public ModelOptions Whole { get; }

    /// <summary>Shape of the part.</summary>
    public ModelOptions Options { get; }

    /// <summary>The rank, and those it computes with.</summary>
    public ITensorRanks Ranks { get; }

    /// <summary>The part of a parameter.</summary>
    /// <param name="name">Its name.</param>
    public ParameterPart Of(string name) => _parts[name];
}
