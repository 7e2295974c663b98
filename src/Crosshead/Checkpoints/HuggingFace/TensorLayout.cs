using System.Globalization;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>
/// Which parameters lie in which stored tensors, and back: by the rules of a family, for a model of some shape.
/// </summary>
internal sealed class TensorLayout
{
    private const string Layers = "model.layers.";

    private static readonly string[] s_rotated =
        ["self_attn.q_proj", "self_attn.k_proj", "self_attn.q_norm", "self_attn.k_norm"];

    // Transformers 5 may keep the experts of a layer together, whatever the family.
    private static readonly ExpertTensors[] s_together =
    [
        new("mlp.experts.gate_up_proj", "mlp.experts.*.gate_proj.weight", "mlp.experts.*.up_proj.weight"),
        new("mlp.experts.down_proj", "mlp.experts.*.down_proj.weight"),
    ];

    private readonly TensorRules _rules;
    private readonly int _firstDraft, _draftLayers;
    private readonly bool _isPart; // of a model that reads images too
    private readonly long[] _attentionRows = []; // of queries, keys and values
    private readonly long[]? _order;             // for each element of a head, its place in the file; null for itself

    /// <summary>The layout of models that no family can express: every tensor is a parameter.</summary>
    public static TensorLayout Own { get; } = new();

    private TensorLayout() => _rules = TensorRules.None;

    /// <summary>The layout of a family's model.</summary>
    /// <param name="rules">The family's rules.</param>
    /// <param name="options">The model's shape, validated.</param>
    /// <param name="config">The configuration of the files that are read; null for files that are written.</param>
    public TensorLayout(TensorRules rules, ModelOptions options, ConfigValues? config = null)
    {
        if (rules.DraftLayersKey is { } key && config is not null)
            (_firstDraft, _draftLayers) = (options.Layers, config.Or(key, 1));
        var (attention, d) = (options.Attention, options.HeadDim);
        (_rules, _isPart) = (rules, config is { IsPart: true });
        _attentionRows = [(long)attention.Heads * d, (long)attention.Groups * d, (long)attention.Groups * d];
        _order = HeadOrder.Of(d, options.RotaryDims ?? d, rules.TurnsNeighbours);
    }

    /// <summary>The name of a stored tensor within the model; null for one that is not of the model.</summary>
    public string? NameOf(string stored) => _isPart ? ImageModels.NameOf(stored) : stored;

    /// <summary>The parameters that a stored tensor holds.</summary>
    /// <param name="name">Its name within the model.</param>
    /// <param name="shape">Its shape.</param>
    public IEnumerable<StoredPart> PartsOf(string name, long[] shape)
    {
        foreach (var rule in _rules.Experts.Concat(s_together))
            if (rule.PartsOf(name, shape) is { } parts) return parts;
        if (Split(name) is not var (layer, module, kind)) return [new StoredPart(name, shape)];
        if (_rules.Fused.TryGetValue(module, out var fused) && RowsOf(fused.Length, shape) is { } rows)
            return fused.Select((part, i) => new StoredPart($"{layer}{part}{kind}", [rows[i], .. shape[1..]])
            {
                Start = rows[..i].Sum(),
                Order = OrderOf(part, rows[i]),
            });
        var own = _rules.Names.GetValueOrDefault(module, module);
        return OrderOf(own, shape[0]) is { } order
            ? [new StoredPart($"{layer}{own}{kind}", shape) { Start = 0, Order = order }]
            : [new StoredPart($"{layer}{own}{kind}", shape)];
    }

    /// <summary>Whether a tensor belongs to a layer that drafts further tokens.</summary>
    /// <param name="name">Its name.</param>
    public bool IsOfDraftLayer(string name) => _draftLayers > 0 && Split(name) is var (layer, _, _)
        && int.TryParse(layer.AsSpan(Layers.Length, layer.Length - Layers.Length - 1), NumberStyles.None,
            CultureInfo.InvariantCulture, out var number)
        && number >= _firstDraft && number - _firstDraft < _draftLayers;

    /// <summary>The tensors to store for parameters.</summary>
    public IEnumerable<StoredTensor> Stored(IEnumerable<StoredTensor> parameters)
    {
        if (_rules == TensorRules.None && _order is null) return parameters;
        if (_rules.Experts.Count > 0) parameters = Together(parameters);
        var owners = _rules.Fused.SelectMany(f => f.Value, (f, part) => (Part: part, Stored: f.Key))
            .Concat(_rules.Names.Select(n => (Part: n.Value, Stored: n.Key)))
            .ToDictionary(p => p.Part, p => p.Stored);
        return parameters.GroupBy(p => Split(p.Name) is var (layer, module, kind)
                && owners.TryGetValue(module, out var stored) ? $"{layer}{stored}{kind}" : p.Name)
            .Select(group => Joined(group.Key, [.. group]));
    }

    private IEnumerable<StoredTensor> Together(IEnumerable<StoredTensor> parameters) =>
        parameters.Select(p => (Parameter: p, Rule: _rules.Experts.FirstOrDefault(r => r.PlaceOf(p.Name) is not null)))
            .GroupBy(p => p.Rule?.PlaceOf(p.Parameter.Name)!.Value.Name ?? p.Parameter.Name)
            .Select(g => g.First().Rule?.Join(g.Key, g.Select(p => p.Parameter)) ?? g.First().Parameter);

    // Parameters follow each other in a file as the family lists them.
    private StoredTensor Joined(string name, StoredTensor[] parts)
    {
        if (_rules.Fused.TryGetValue(Split(name)?.Module ?? "", out var order))
            parts = [.. parts.OrderBy(p => Array.IndexOf(order, Split(p.Name)!.Value.Module))];
        Func<Tensor>[] reads = [.. parts.Select(p =>
            OrderOf(Split(p.Name)?.Module ?? "", p.Shape[0]) is { } places
                ? () => StoredPart.Unordered(p.Read(), places) : p.Read)];
        return parts.Length == 1 ? parts[0] with
        {
            Name = name,
            Read = reads[0],
            WriteTogether = reads[0] == parts[0].Read ? parts[0].WriteTogether : null,
        }
            : new StoredTensor(name, [parts.Sum(p => p.Shape[0]), .. parts[0].Shape.Skip(1)], parts[0].Type,
                () => cat([.. reads.Select(read => read())]));
    }

    // The rows of the modules in a tensor: those of the attention, or equal ones; null where they do not fit.
    private long[]? RowsOf(int modules, long[] shape) => modules == _attentionRows.Length
        ? shape is [var rows, ..] && rows == _attentionRows.Sum() ? _attentionRows : null
        : shape is [var all, ..] && all % modules == 0 ? [.. Enumerable.Repeat(all / modules, modules)] : null;

    private long[]? OrderOf(string module, long rows) =>
        _order is not null && rows % _order.Length == 0 && s_rotated.Contains(module) ? _order : null;

    // "model.layers.0.", "mlp.up_proj", ".weight"; null for tensors outside the layers.
    private static (string Layer, string Module, string Kind)? Split(string name)
    {
        if (!name.StartsWith(Layers, StringComparison.Ordinal)) return null;
        var (start, end) = (name.IndexOf('.', Layers.Length) + 1, name.LastIndexOf('.'));
        return start <= 0 || end <= start ? null : (name[..start], name[start..end], name[end..]);
    }
}
