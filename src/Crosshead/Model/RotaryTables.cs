using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>The rotary angles of a model, one table for each kind of its layers.</summary>
internal sealed class RotaryTables : IDisposable
{
    private readonly Dictionary<RotaryKind, RotaryEmbedding> _tables;

    /// <summary>Prepares the angles of a model's context.</summary>
    /// <param name="options">The model.</param>
    /// <param name="type">Precision of the tables.</param>
    /// <param name="device">Device of the tables.</param>
    public RotaryTables(ModelOptions options, ScalarType type, Device device)
    {
        RotaryEmbedding Table(RotaryKind kind)
        {
            var rotary = options.RotaryOf(kind);
            return new(options.HeadDim, options.Context, rotary.Base, type, device, rotary.Scaling,
                kind == RotaryKind.None ? 0 : options.RotaryDims);
        }
        _tables = Enumerable.Range(0, options.Layers).Select(options.RotaryKindOf).Distinct()
            .ToDictionary(kind => kind, Table);
    }

    /// <summary>The table of a kind.</summary>
    public RotaryEmbedding Of(RotaryKind kind) => _tables[kind];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var table in _tables.Values) table.Dispose();
    }
}
