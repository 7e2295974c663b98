namespace Crosshead.Text.Jinja;

/// <summary>The variable <c>loop</c> inside a <c>{% for %}</c>.</summary>
/// <param name="items">All items of the loop.</param>
internal sealed class JinjaLoop(IReadOnlyList<object?> items)
{
    private static readonly JinjaSignature s_any = new("*rest");

    private object? _last;
    private bool _hasLast;

    /// <summary>Index of the loop's current item, from 0.</summary>
    public int Index { get; set; }

    /// <summary>An attribute by its name.</summary>
    public bool TryGet(string name, out object? value)
    {
        var count = items.Count;
        (var known, value) = name switch
        {
            "index" => (true, Index + 1L),
            "index0" => (true, (long)Index),
            "revindex" => (true, (long)count - Index),
            "revindex0" => (true, count - Index - 1L),
            "first" => (true, Index == 0),
            "last" => (true, Index == count - 1),
            "length" => (true, (long)count),
            "previtem" => (true, Index > 0 ? items[Index - 1] : new JinjaUndefined("there is no previous item")),
            "nextitem" => (true, Index < count - 1 ? items[Index + 1] : new JinjaUndefined("there is no next item")),
            "depth" => (true, 1L), // of recursive loops, which there are none of here
            "depth0" => (true, 0L),
            "cycle" => (true, s_any.Function("loop.cycle", arguments => arguments.Rest.Count == 0
                ? throw new JinjaException("loop.cycle needs items") : arguments.Rest[Index % arguments.Rest.Count])),
            "changed" => (true, s_any.Function("loop.changed", Changed)),
            _ => (false, (object?)null),
        };
        return known;
    }

    /// <inheritdoc/>
    public override string ToString() => $"<LoopContext {Index + 1}/{items.Count}>";

    private object? Changed(JinjaArguments arguments)
    {
        var value = arguments.Rest.ToArray();
        var changed = !_hasLast || !JinjaValue.AreEqual(_last, value, arguments.Budget);
        (_last, _hasLast) = (value, true);
        return changed;
    }
}
