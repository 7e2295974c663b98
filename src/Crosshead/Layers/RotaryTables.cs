namespace Crosshead.Layers;

/// <summary>The rotary angles of a model, one table for each kind of its layers.</summary>
internal sealed class RotaryTables : IDisposable
{
    private readonly Dictionary<RotaryKind, RotaryEmbedding> _tables;

    /// <summary>Prepares the tables.</summary>
    /// <param name="kinds">The kinds of the layers.</param>
    /// <param name="create">Makes the table of a kind.</param>
    public RotaryTables(IEnumerable<RotaryKind> kinds, Func<RotaryKind, RotaryEmbedding> create) =>
        _tables = kinds.Distinct().ToDictionary(kind => kind, create);

    /// <summary>The table of a kind.</summary>
    public RotaryEmbedding Of(RotaryKind kind) => _tables[kind];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var table in _tables.Values) table.Dispose();
    }
}
