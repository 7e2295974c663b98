using System.Runtime.CompilerServices;

namespace Crosshead.Text.Jinja;

/// <summary>
/// Python's rules for a template's values. The values are null (None), bool, long, double, string, lists
/// (<see cref="List{T}"/>),
/// tuples (arrays), dictionaries (<see cref="JinjaDictionary"/>), their views (<see cref="JinjaDictionaryView"/>,
/// <see cref="JinjaRange"/>, <see cref="JinjaGenerator"/>), <see cref="JinjaUndefined"/> and what can be called.
/// </summary>
internal static class JinjaValue
{
    public static bool IsTrue(object? value) => value switch
    {
        null or JinjaUndefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        JinjaMarkup markup => markup.Text.Length > 0,
        IReadOnlyCollection<object?> collection => collection.Count > 0,
        JinjaDictionary dictionary => dictionary.Count > 0,
        _ => true,
    };

    public static string TypeName(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long => "int",
        double => "float",
        string => "str",
        object?[] => "tuple",
        List<object?> => "list",
        JinjaDictionary => "dict",
        JinjaDictionaryView view => view.Name,
        JinjaRange => "range",
        JinjaGenerator => "generator",
        JinjaMarkup => "Markup",
        JinjaUndefined => "Undefined",
        JinjaNamespace => "namespace",
        JinjaLoop => "loop",
        _ => "function",
    };

    /// <summary>The output for a value: Python's str().</summary>
    public static string ToText(object? value, JinjaBudget budget)
    {
        if (value is string text) return text;
        if (value is JinjaMarkup markup) return markup.Text;
        if (value is JinjaUndefined) return "";
        var output = new JinjaTextBuilder(budget);
        JinjaRepresentation.Write(value, output);
        return output.ToString();
    }

    public static bool AreEqual(object? a, object? b, JinjaBudget budget)
    {
        budget.Step();
        if (ReferenceEquals(a, b)) return a is not double.NaN;
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return (a, b) switch
        {
            (JinjaUndefined, JinjaUndefined) => true,
            (JinjaRange x, JinjaRange y) => x.SequenceEqual(y),
            (IReadOnlyList<object?> x, IReadOnlyList<object?> y) => a.GetType() == b.GetType() && x.Count == y.Count
                && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second, budget)),
            (JinjaDictionary x, JinjaDictionary y) => x.Count == y.Count
                && x.All(entry => y.TryGetValue(entry.Key, out var other) && AreEqual(entry.Value, other, budget)),
            (JinjaDictionaryView { Name: not "dict_values" } x, JinjaDictionaryView { Name: not "dict_values" } y) =>
                x.Count == y.Count && x.All(item => y.Any(other => AreEqual(item, other, budget))),
            _ => JinjaNumber.Is(a) && JinjaNumber.Is(b) ? JinjaNumber.Order(a, b) == 0 : a is string && a.Equals(b),
        };
    }

    /// <summary>
    /// The order of two values: below, equal to or above 0. An error if Python has no order for them. Null if one is
    /// not a number.
    /// </summary>
    public static int? Order(object? a, object? b, string sign, JinjaBudget budget)
    {
        budget.Step();
        if (a is string x && b is string y) return CompareCodePoints(x, y);
        if (JinjaNumber.Is(a) && JinjaNumber.Is(b)) return JinjaNumber.Order(a, b);
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (a is List<object?> or object?[] && b is List<object?> or object?[] && a.GetType() == b.GetType())
        {
            var (list, other) = ((IReadOnlyList<object?>)a, (IReadOnlyList<object?>)b);
            for (var i = 0; i < Math.Min(list.Count, other.Count); i++)
                if (!AreEqual(list[i], other[i], budget)) return Order(list[i], other[i], sign, budget);
            return list.Count.CompareTo(other.Count);
        }
        throw (a as JinjaUndefined ?? b as JinjaUndefined)?.Error()
            ?? new JinjaException($"'{sign}' is not supported between {TypeName(a)} and {TypeName(b)}");
    }

    /// <summary>
    /// The items of a list, the characters of a string or the keys of a dictionary; an undefined value has none. Each
    /// item counts as a step.
    /// </summary>
    public static IEnumerable<object?> Items(object? value, JinjaBudget budget) => Counted(value switch
    {
        JinjaUndefined => [],
        string text => Characters(text),
        JinjaDictionary dictionary => dictionary.Keys,
        IReadOnlyCollection<object?> collection => collection,
        JinjaGenerator generator => generator.Take(),
        _ => throw new JinjaException($"{TypeName(value)} is not iterable"),
    }, budget);

    public static long Length(object? value) => value switch
    {
        JinjaUndefined => 0,
        string text => JinjaText.Length(text),
        IReadOnlyCollection<object?> collection => collection.Count,
        JinjaDictionary dictionary => dictionary.Count,
        _ => throw new JinjaException($"{TypeName(value)} has no length"),
    };

    public static bool Contains(object? container, object? item, JinjaBudget budget) => container switch
    {
        string text => item is string part ? JinjaSubstring.IndexOf(text, part) >= 0
            : throw new JinjaException($"'in' a string needs a string, not {TypeName(item)}"),
        JinjaDictionary dictionary => dictionary.Has(item, out _),
        JinjaDictionaryView { Name: "dict_keys" } keys => RequireHashable(item) is { } key
            && keys.Items.Any(other => AreEqual(other, key, budget)),
        _ => Items(container, budget).Any(other => AreEqual(other, item, budget)),
    };

    /// <summary>Returns the value, which must be usable as a key.</summary>
    /// <exception cref="JinjaException">The value can change.</exception>
    public static object? RequireHashable(object? value) =>
        value is List<object?> or JinjaDictionary
        ? throw new JinjaException($"a {TypeName(value)} cannot be a key") : value;

    /// <summary>Python's characters are code points.</summary>
    public static IEnumerable<string> Characters(string text)
    {
        for (var at = 0; at < text.Length; at += JinjaText.LengthAt(text, at))
            yield return text.Substring(at, JinjaText.LengthAt(text, at));
    }

    private static IEnumerable<object?> Counted(IEnumerable<object?> items, JinjaBudget budget)
    {
        foreach (var item in items)
        {
            budget.Step();
            yield return item;
        }
    }

    // UTF-16 puts the characters beyond U+FFFF before those from U+E000.
    private static int CompareCodePoints(string a, string b)
    {
        var at = a.AsSpan().CommonPrefixLength(b);
        if (at == a.Length || at == b.Length) return a.Length.CompareTo(b.Length);
        static int Rank(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;
        return Rank(a[at]).CompareTo(Rank(b[at]));
    }
}
