namespace Crosshead.Text.Jinja;

/// <summary>Attributes, items and slices of a template's values: <c>a.b</c>, <c>a[b]</c>, <c>a[1:]</c>.</summary>
internal static class JinjaAccess
{
    // Python methods that templates cannot call here. Methods that change their object are undefined in Jinja's
    // sandbox.
    private static readonly Dictionary<string, string[]> s_unsupported = new()
    {
        ["str"] =
        [
            "casefold", "encode", "expandtabs", "format_map", "isidentifier", "isnumeric", "isprintable", "istitle",
            "maketrans", "translate",
        ],
        ["tuple"] = ["grouper", "list"],
        ["int"] = ["as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag",
            "numerator", "real", "to_bytes"],
        ["float"] = ["as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real"],
        ["list"] = ["copy"],
        ["dict"] = ["fromkeys"],
        ["range"] = ["start", "step", "stop"],
    };

    /// <summary><c>value.name</c>: a method or attribute, otherwise an item with this key.</summary>
    public static object? Attribute(object? value, string name) =>
        value is JinjaUndefined undefined ? throw undefined.Error()
        : JinjaMethods.Find(value, name) is { } method ? method
        : value is JinjaLoop loop && loop.TryGet(name, out var state) ? state
        : value is JinjaCycler cycler && cycler.TryGet(name, out var turn) ? turn
        : value is JinjaNamespace space && space.Attributes.TryGetValue(name, out var attribute) ? attribute
        : value is JinjaDictionary dictionary && dictionary.Has(name, out var item) ? item
        : s_unsupported.TryGetValue(JinjaValue.TypeName(value), out var names) && names.Contains(name)
            ? throw new JinjaException($"{JinjaValue.TypeName(value)}'s attribute '{name}' is not supported")
        : Absent(value, $"attribute '{name.Shown()}'");

    /// <summary><c>value[key]</c>: an item, otherwise an attribute or method with this name.</summary>
    public static object? Item(object? value, object? key)
    {
        if (value is JinjaUndefined undefined) throw undefined.Error();
        if (value is JinjaDictionary dictionary && key is not (List<object?> or JinjaDictionary)
            && dictionary.Has(key, out var item))
            return item;
        if (key is long or bool && value is string or IReadOnlyList<object?>)
        {
            var index = JinjaNumber.Whole(key);
            var count = JinjaValue.Length(value);
            var at = index < 0 ? index + count : index;
            return at < 0 || at >= count ? Absent(value, $"item {index}") : value is string text ? CharacterAt(text, at)
                : ((IReadOnlyList<object?>)value)[(int)at];
        }
        return key is string attribute ? Attribute(value, attribute)
            : Absent(value, $"item of type {JinjaValue.TypeName(key)}");
    }

    /// <summary><c>value[start:stop:step]</c>, each of them a whole number or None.</summary>
    public static object? Slice(object? value, object? start, object? stop, object? step, JinjaBudget budget)
    {
        if (value is not (string or IReadOnlyList<object?>))
            throw (value as JinjaUndefined)?.Error()
                ?? new JinjaException($"{JinjaValue.TypeName(value)} has no slices");
        var by = step is null ? 1 : Whole(step);
        if (by == 0) throw new JinjaException("a slice's step must not be 0");
        var count = JinjaValue.Length(value);
        var (low, high) = by > 0 ? (0L, count) : (-1L, count - 1L);
        var from = start is null ? by > 0 ? low : high
            : Math.Clamp(Whole(start) is < 0 and var s ? s + count : Whole(start), low, high);
        var to = stop is null ? by > 0 ? high : low
            : Math.Clamp(Whole(stop) is < 0 and var e ? e + count : Whole(stop), low, high);
        if (value is JinjaRange range)
            return new JinjaRange(range.Start + from * range.Step, range.Start + to * range.Step, range.Step * by);
        if (value is string text && by == 1) return Part(text, from, Math.Max(from, to), budget);
        IReadOnlyList<object?> items = value is string all ? [.. JinjaValue.Items(all, budget)]
            : (IReadOnlyList<object?>)value;
        var taken = new List<object?>();
        for (var i = from; by > 0 ? i < to : i > to; i += by) taken.Add(items[(int)i]);
        return budget.Made(value switch { string => string.Concat(taken), object?[] => taken.ToArray(), _ => taken });
    }

    private static object? Part(string text, long from, long to, JinjaBudget budget)
    {
        var start = JinjaText.Skip(text, 0, from);
        return budget.Made(text[start..JinjaText.Skip(text, start, to - from)]);
    }

    private static string CharacterAt(string text, long index)
    {
        var at = JinjaText.Skip(text, 0, index);
        return text.Substring(at, JinjaText.LengthAt(text, at));
    }

    private static JinjaUndefined Absent(object? value, string what) =>
        new($"{JinjaValue.TypeName(value)} has no {what}");

    private static long Whole(object? value) => value switch
    {
        bool or long => Math.Clamp(JinjaNumber.Whole(value), -int.MaxValue, int.MaxValue),
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw new JinjaException($"a slice needs whole numbers, not {JinjaValue.TypeName(value)}"),
    };
}
