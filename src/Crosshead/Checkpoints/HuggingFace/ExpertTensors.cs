using Crosshead.Checkpoints.Safetensors;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// A stored tensor of experts, and the parameters in it. Names are those behind <c>model.layers.0.</c>; a <c>*</c>
/// stands for the number of an expert. If only the parameters have one, the tensor's first dimension is that number: it
/// holds all experts of the layer.
/// </summary>
internal sealed record ExpertTensors
{
    private readonly LayerNames _stored;
    private readonly LayerNames[] _parameters;

    /// <summary>Creates a rule.</summary>
    /// <param name="stored">The stored tensor.</param>
    /// <param name="parameters">The parameters in it; of each expert the rows of one below those of the other.</param>
    public ExpertTensors(string stored, params string[] parameters)
    {
        (Stored, Parameters) = (stored, parameters);
        (_stored, _parameters) = (new LayerNames(stored), [.. parameters.Select(name => new LayerNames(name))]);
    }

    /// <summary>The stored tensor.</summary>
    public string Stored { get; }

    /// <summary>The parameters in it.</summary>
    public IReadOnlyList<string> Parameters { get; }

    /// <summary>Whether rows of the parameters take turns.</summary>
    public bool Alternating { get; init; }

    /// <summary>Whether rows lie along the last dimension.</summary>
    public bool Transposed { get; init; }

    private bool IsStacked => !_stored.HasExpert;

    /// <summary>The parameters in a stored tensor; null if the rule is not for it.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="shape">Its shape.</param>
    public IReadOnlyList<StoredPart>? PartsOf(string name, long[] shape)
    {
        if (_stored.Match(name) is not var (layer, number)) return null;
        if (!IsStacked) return [new(_parameters[0].Of(layer, number), shape)];
        if (shape.Length < 2 || shape.Contains(0)) return null;
        var each = shape[1..];
        if (Transposed && each.Length == 2) each = [each[1], each[0]];
        var count = Parameters.Count;
        if (each[0] % count != 0) return null;
        var rows = each[0] / count;
        var parts = new List<StoredPart>();
        for (var expert = 0L; expert < shape[0]; expert++)
            for (var i = 0; i < count; i++)
                parts.Add(new StoredPart(_parameters[i].Of(layer, $"{expert}"), [rows, .. each[1..]], expert,
                    Alternating ? i : i * rows)
                {
                    Step = Alternating ? count : 1,
                    IsTransposed = Transposed && each.Length == 2,
                });
        return parts;
    }

    /// <summary>
    /// Where a parameter is stored: the tensor, the expert in it, and the parameter's place there. Null if the rule is
    /// not for it.
    /// </summary>
    /// <param name="parameter">The parameter's full name.</param>
    public (string Name, long Expert, int Index)? PlaceOf(string parameter)
    {
        for (var i = 0; i < _parameters.Length; i++)
        {
            if (_parameters[i].Match(parameter) is not var (layer, expert)) continue;
            return (_stored.Of(layer, expert), IsStacked ? long.Parse(expert, null) : 0, i);
        }
        return null;
    }

    /// <summary>The stored tensor of parameters.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="parameters">All parameters in it, in any order.</param>
    public StoredTensor Join(string name, IEnumerable<StoredTensor> parameters)
    {
        var each = parameters.OrderBy(p => PlaceOf(p.Name)!.Value.Expert).ThenBy(p => PlaceOf(p.Name)!.Value.Index)
            .Chunk(Parameters.Count).ToArray();
        if (!IsStacked) return each[0][0] with { Name = name };
        long[] shape = [each[0].Sum(p => p.Shape[0]), .. each[0][0].Shape.Skip(1)];
        if (Transposed && shape.Length == 2) shape = [shape[1], shape[0]];
        return new StoredTensor(name, [each.Length, .. shape], each[0][0].Type,
            () => stack(each.Select(own => Joined([.. own.Select(p => p.Read())]))));
    }

    private Tensor Joined(Tensor[] parts)
    {
        var rows = parts.Length == 1 ? parts[0] : Alternating ? stack(parts, 1).flatten(0, 1) : cat(parts, 0);
        return Transposed && rows.dim() == 2 ? rows.t() : rows;
    }
}
