namespace Crosshead.Layers;

/// <summary>
/// The rotary angles of a model, one table for each kind of its layers; with LongRoPE, another one for texts that are
/// longer than the original context.
/// </summary>
internal sealed class RotaryTables : IDisposable
{
    private readonly List<Table> _tables = [];

    /// <summary>Prepares the tables.</summary>
    /// <param name="kinds">The kinds of the layers.</param>
    /// <param name="original">The original context, if longer texts have other angles; null otherwise.</param>
    /// <param name="create">Makes the table of a kind, for texts within the original context or beyond it.</param>
    public RotaryTables(IEnumerable<RotaryKind> kinds, int? original, Func<RotaryKind, bool, RotaryEmbedding> create)
    {
        Original = original;
        foreach (var kind in kinds)
        {
            if (_tables.Exists(t => t.Kind == kind)) continue;
            _tables.Add(new(kind, false, create(kind, false)));
            if (original is not null) _tables.Add(new(kind, true, create(kind, true)));
        }
    }

    /// <summary>The original context, if longer texts have other angles; null otherwise.</summary>
    public int? Original { get; }

    /// <summary>The table of a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="reach">Number of tokens of the text.</param>
    public RotaryEmbedding Of(RotaryKind kind, long reach = 0) =>
        _tables.First(t => t.Kind == kind && t.IsBeyond == reach > Original).Angles;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var table in _tables) table.Angles.Dispose();
    }

    private sealed record Table(RotaryKind Kind, bool IsBeyond, RotaryEmbedding Angles);
}
