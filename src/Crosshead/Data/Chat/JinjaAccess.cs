namespace Crosshead.Data.Chat;

/// <summary>Attributes, items and slices of a template's values: <c>a.b</c>, <c>a[b]</c>, <c>a[1:]</c>.</summary>
internal static class JinjaAccess
{
    /// <summary><c>value.name</c>: a method or attribute, else an item of that key.</summary>
    public static object? Attribute(object? value, string name) =>
        value is JinjaUndefined undefined ? throw undefined.Error()
        : JinjaMethods.Find(value, name) is { } method ? method
        : value is JinjaLoop loop && loop.TryGet(name, out var state) ? state
        : value is JinjaNamespace space && space.Attributes.TryGetValue(name, out var attribute) ? attribute
        : value is OrderedDictionary<string, object?> dictionary && dictionary.TryGetValue(name, out var item) ? item
        : new JinjaUndefined($"{JinjaValue.TypeName(value)} has no attribute '{name}'");

    /// <summary><c>value[key]</c>: an item, else an attribute or method of that name.</summary>
    public static object? Item(object? value, object? key)
    {
        if (value is JinjaUndefined undefined) throw undefined.Error();
        if (value is OrderedDictionary<string, object?> dictionary && key is string name && dictionary.TryGetValue(name, out var item)) return item;
        if (key is long index && value is string or List<object?> or object?[])
        {
            var items = Sequence(value);
            var at = index < 0 ? index + items.Count : index;
            return at >= 0 && at < items.Count ? items[(int)at] : new JinjaUndefined($"{JinjaValue.TypeName(value)} has no item {index}");
        }
        return key is string attribute ? Attribute(value, attribute) : new JinjaUndefined($"{JinjaValue.TypeName(value)} has no item {JinjaValue.ToText(key)}");
    }

    /// <summary><c>value[start:stop:step]</c>, each of them a whole number or None.</summary>
    public static object Slice(object? value, object? start, object? stop, object? step)
    {
        if (value is not (string or List<object?> or object?[])) throw (value as JinjaUndefined)?.Error() ?? new JinjaException($"{JinjaValue.TypeName(value)} has no slices");
        var items = Sequence(value);
        var by = step is null ? 1 : Whole(step);
        if (by == 0) throw new JinjaException("a slice's step must not be 0");
        var count = items.Count;
        var (low, high) = by > 0 ? (0L, (long)count) : (-1L, count - 1L);
        var from = start is null ? by > 0 ? low : high : Math.Clamp(Whole(start) is < 0 and var s ? s + count : Whole(start), low, high);
        var to = stop is null ? by > 0 ? high : low : Math.Clamp(Whole(stop) is < 0 and var e ? e + count : Whole(stop), low, high);
        var taken = new List<object?>();
        for (var i = from; by > 0 ? i < to : i > to; i += by) taken.Add(items[(int)i]);
        return value switch { string => string.Concat(taken), object?[] => taken.ToArray(), _ => taken };
    }

    private static IReadOnlyList<object?> Sequence(object? value) => value is string text ? [.. JinjaValue.Characters(text)] : (IReadOnlyList<object?>)value!;

    private static long Whole(object? value) => value switch
    {
        long number => Math.Clamp(number, -int.MaxValue, int.MaxValue),
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw new JinjaException($"a slice needs whole numbers, not {JinjaValue.TypeName(value)}"),
    };
}
