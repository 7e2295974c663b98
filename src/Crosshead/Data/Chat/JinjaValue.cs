using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Crosshead.Data.Chat;

/// <summary>
/// What Python says of a template's values. They are null (None), bool, long, double, string, lists (<see cref="List{T}"/>),
/// tuples (arrays), dictionaries in order of insertion, <see cref="JinjaUndefined"/> and what can be called.
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
        ICollection collection => collection.Count > 0,
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
        OrderedDictionary<string, object?> => "dict",
        JinjaUndefined => "Undefined",
        JinjaNamespace => "namespace",
        JinjaLoop => "loop",
        _ => "function",
    };

    /// <summary>What is put out for a value: Python's str().</summary>
    public static string ToText(object? value) => value switch
    {
        string text => text,
        JinjaUndefined => "",
        _ => Representation(value),
    };

    public static bool AreEqual(object? a, object? b)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return (a, b) switch
        {
            (JinjaUndefined, JinjaUndefined) => true,
            (long x, long y) => x == y,
            (IReadOnlyList<object?> x, IReadOnlyList<object?> y) => a.GetType() == b.GetType() && x.Count == y.Count && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second)),
            (OrderedDictionary<string, object?> x, OrderedDictionary<string, object?> y) => x.Count == y.Count && x.All(entry => y.TryGetValue(entry.Key, out var other) && AreEqual(entry.Value, other)),
            _ => IsNumber(a) && IsNumber(b) ? Double(a) == Double(b) : Equals(a, b),
        };
    }

    /// <summary>The order of two values, below, at or above 0; an error where Python has none.</summary>
    public static int Compare(object? a, object? b, string sign = "<")
    {
        if (a is string x && b is string y) return string.CompareOrdinal(x, y);
        if (a is long m && b is long n) return m.CompareTo(n);
        if (IsNumber(a) && IsNumber(b)) return Double(a).CompareTo(Double(b));
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (a is IReadOnlyList<object?> list && b is IReadOnlyList<object?> other && a.GetType() == b.GetType())
        {
            for (var i = 0; i < Math.Min(list.Count, other.Count); i++)
                if (!AreEqual(list[i], other[i])) return Compare(list[i], other[i], sign);
            return list.Count.CompareTo(other.Count);
        }
        throw (a as JinjaUndefined ?? b as JinjaUndefined)?.Error() ?? new JinjaException($"'{sign}' is not supported between {TypeName(a)} and {TypeName(b)}");
    }

    public static bool IsNumber(object? value) => value is bool or long or double;

    public static double Double(object? value) => value switch { bool flag => flag ? 1 : 0, long number => number, double number => number, _ => double.NaN };

    /// <summary>The items of a list, characters of a string or keys of a dictionary; of what is undefined none.</summary>
    public static IEnumerable<object?> Items(object? value) => value switch
    {
        JinjaUndefined => [],
        string text => Characters(text),
        OrderedDictionary<string, object?> dictionary => dictionary.Keys,
        IReadOnlyList<object?> list => list,
        _ => throw new JinjaException($"{TypeName(value)} is not iterable"),
    };

    public static long Length(object? value) => value switch
    {
        JinjaUndefined => 0,
        string text => Characters(text).Count(),
        ICollection collection => collection.Count,
        _ => throw new JinjaException($"{TypeName(value)} has no length"),
    };

    public static bool Contains(object? container, object? item) => container switch
    {
        string text => item is string part ? text.Contains(part, StringComparison.Ordinal) : throw new JinjaException($"'in' a string needs a string, not {TypeName(item)}"),
        OrderedDictionary<string, object?> dictionary => item is string key && dictionary.ContainsKey(key),
        _ => Items(container).Any(other => AreEqual(other, item)),
    };

    /// <summary>Python's characters are code points.</summary>
    public static IEnumerable<string> Characters(string text)
    {
        for (var i = 0; i < text.Length; i++)
            yield return char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? text.Substring(i++, 2) : text[i].ToString();
    }

    /// <summary>A floating-point number as Python writes it.</summary>
    public static string Number(double number)
    {
        if (!double.IsFinite(number)) return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        var size = Math.Abs(number);
        var text = size == 0 || (size >= 1e-4 && size < 1e16) ? number.ToString("0.0################################", CultureInfo.InvariantCulture) : null;
        if (text is not null && double.Parse(text, CultureInfo.InvariantCulture) == number) return text;
        text = number.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        if (text.Contains('e') || size < 1e16) return text;
        var digits = text.TrimStart('-');
        var mantissa = digits.TrimEnd('0');
        return $"{(number < 0 ? "-" : "")}{mantissa[0]}{(mantissa.Length > 1 ? "." + mantissa[1..] : "")}e+{digits.Length - 1}";
    }

    // Python's repr().
    private static string Representation(object? value)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return Written(value);
    }

    private static string Written(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        string text => Quote(text),
        object?[] { Length: 1 } tuple => $"({Representation(tuple[0])},)",
        object?[] tuple => $"({string.Join(", ", tuple.Select(Representation))})",
        List<object?> list => $"[{string.Join(", ", list.Select(Representation))}]",
        OrderedDictionary<string, object?> dictionary => $"{{{string.Join(", ", dictionary.Select(entry => $"{Quote(entry.Key)}: {Representation(entry.Value)}"))}}}",
        JinjaUndefined => "Undefined",
        _ => $"<{TypeName(value)}>",
    };

    private static string Quote(string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var result = new StringBuilder().Append(quote);
        foreach (var c in text)
            result.Append(c switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\\' => "\\\\",
                < ' ' or '\x7f' => $"\\x{(int)c:x2}",
                _ when c == quote => "\\" + c,
                _ => c.ToString(),
            });
        return result.Append(quote).ToString();
    }
}
