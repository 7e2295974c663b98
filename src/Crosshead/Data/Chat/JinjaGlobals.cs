namespace Crosshead.Data.Chat;

/// <summary>The functions that every template can call.</summary>
internal static class JinjaGlobals
{
    private const long MaximumRange = 100_000;

    /// <summary>The functions by their names.</summary>
    public static readonly IReadOnlyDictionary<string, JinjaFunction> Functions = new Dictionary<string, JinjaFunction>
    {
        ["namespace"] = Namespace,
        ["dict"] = arguments => new OrderedDictionary<string, object?>(arguments.Named),
        ["range"] = Range,
        ["raise_exception"] = arguments => throw new CrossheadException(JinjaValue.ToText(arguments.Need(0, "raise_exception")).ReplaceLineEndings(" ")),
    };

    private static JinjaNamespace Namespace(JinjaArguments arguments)
    {
        var result = new JinjaNamespace();
        if (arguments.Positional is [OrderedDictionary<string, object?> first])
            foreach (var (name, value) in first) result.Attributes[name] = value;
        foreach (var (name, value) in arguments.Named) result.Attributes[name] = value;
        return result;
    }

    private static List<object?> Range(JinjaArguments arguments)
    {
        var single = arguments.Positional.Count == 1;
        var (start, stop, step) = (single ? 0 : arguments.Integer(0, "start", 0), arguments.Integer(single ? 0 : 1, "stop", 0), arguments.Integer(2, "step", 1));
        if (arguments.Positional.Count == 0 || step == 0) throw new JinjaException("range needs 1 to 3 whole numbers, the third of them not 0");
        var count = step > 0 ? Math.Max(0, ((decimal)stop - start + step - 1) / step) : Math.Max(0, ((decimal)start - stop - step - 1) / -(decimal)step);
        if (count > MaximumRange + 1) throw new JinjaException($"range has more than {MaximumRange:N0} items");
        var items = new List<object?>();
        for (var i = (decimal)start; step > 0 ? i < stop : i > stop; i += step) items.Add((long)i);
        return items;
    }
}
