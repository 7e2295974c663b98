namespace Crosshead.Text.Jinja;

/// <summary>What <c>cycler(…)</c> makes: items of which the next one is asked for again and again.</summary>
/// <param name="items">The items, at least one.</param>
internal sealed class JinjaCycler(IReadOnlyList<object?> items)
{
    private static readonly JinjaSignature s_none = new("");

    private int _at;

    /// <summary>An attribute by its name.</summary>
    public bool TryGet(string name, out object? value)
    {
        (var known, value) = name switch
        {
            "current" => (true, items[_at]),
            "next" => (true, s_none.Function("cycler.next", _ => Next())),
            "reset" => (true, s_none.Function("cycler.reset", _ =>
            {
                _at = 0;
                return null;
            })),
            _ => (false, (object?)null),
        };
        return known;
    }

    private object? Next()
    {
        var item = items[_at];
        _at = (_at + 1) % items.Count;
        return item;
    }
}
