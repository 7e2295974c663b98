namespace Crosshead.Text.Jinja;

/// <summary>The variable <c>loop</c> inside a <c>{% for %}</c>.</summary>
/// <param name="items">All items of the loop.</param>
/// <param name="depth">How many loops of the same statement are around it.</param>
/// <param name="again">The loop's text for further items; null if the loop is not recursive.</param>
internal sealed class JinjaLoop(IReadOnlyList<object?> items, int depth, Func<object?, string>? again)
{
    private static readonly JinjaSignature s_again = new("iterable, /");

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
            "depth" => (true, depth + 1L),
            "depth0" => (true, (long)depth),
            "cycle" => (true, s_any.Function("loop.cycle", arguments => arguments.Rest.Count == 0
                ? throw new JinjaException("loop.cycle needs items") : arguments.Rest[Index % arguments.Rest.Count])),
            "changed" => (true, s_any.Function("loop.changed", Changed)),
            _ => (false, (object?)null),
        };
        return known;
    }

    /// <summary>What <c>loop(items)</c> calls.</summary>
    /// <exception cref="JinjaException">The loop is not recursive.</exception>
    public JinjaFunction Function => again is null
        ? throw new JinjaException("loop can be called only in a loop that is marked as recursive")
        : s_again.Function("loop", arguments => again(arguments[0]));

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
