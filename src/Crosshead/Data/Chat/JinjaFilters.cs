using System.Collections.Frozen;
using System.Globalization;

namespace Crosshead.Data.Chat;

/// <summary>The filters of a template: what stands behind <c>|</c>.</summary>
internal static class JinjaFilters
{
    private static readonly FrozenDictionary<string, Func<object?, JinjaArguments, object?>> s_all = new Dictionary<string, Func<object?, JinjaArguments, object?>>
    {
        ["trim"] = (x, a) => JinjaText.Strip(JinjaValue.ToText(x), a.Text(0, "chars"), start: true, end: true),
        ["upper"] = (x, _) => JinjaValue.ToText(x).ToUpperInvariant(),
        ["lower"] = (x, _) => JinjaValue.ToText(x).ToLowerInvariant(),
        ["title"] = (x, _) => JinjaText.Title(JinjaValue.ToText(x)),
        ["capitalize"] = (x, _) => JinjaText.Capitalize(JinjaValue.ToText(x)),
        ["replace"] = (x, a) => JinjaText.Replace(JinjaValue.ToText(x), JinjaValue.ToText(a.Need(0, "replace")), JinjaValue.ToText(a.Need(1, "replace")), a.Get(2, "count") is null ? -1 : a.Integer(2, "count", -1)),
        ["indent"] = (x, a) => JinjaText.Indent(JinjaValue.ToText(x), a.Get(0, "width", 4L) as string ?? new string(' ', (int)Math.Clamp(a.Integer(0, "width", 4), 0, 1000)), JinjaValue.IsTrue(a.Get(1, "first")), JinjaValue.IsTrue(a.Get(2, "blank"))),
        ["string"] = (x, _) => JinjaValue.ToText(x),
        ["safe"] = (x, _) => JinjaValue.ToText(x),
        ["escape"] = (x, _) => JinjaValue.ToText(x).Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
            .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal),
        ["tojson"] = JinjaJson.Write,
        ["default"] = (x, a) => x is JinjaUndefined || (JinjaValue.IsTrue(a.Get(1, "boolean")) && !JinjaValue.IsTrue(x)) ? a.Get(0, "default_value", "") : x,
        ["length"] = (x, _) => JinjaValue.Length(x),
        ["list"] = (x, _) => JinjaValue.Items(x).ToList(),
        ["items"] = (x, _) => x switch { JinjaUndefined => new List<object?>(), OrderedDictionary<string, object?> d => JinjaMethods.Entries(d), _ => throw new JinjaException($"items needs a dict, not {JinjaValue.TypeName(x)}") },
        ["dictsort"] = (x, _) => x is OrderedDictionary<string, object?> d ? Sorted(JinjaMethods.Entries(d), entry => Folded(((object?[])entry!)[0]), false) : throw new JinjaException($"dictsort needs a dict, not {JinjaValue.TypeName(x)}"),
        ["first"] = (x, _) => JinjaValue.Items(x).Cast<object?>().FirstOrDefault(new JinjaUndefined("there is no first item, the sequence is empty")),
        ["last"] = (x, _) => JinjaValue.Items(x).Cast<object?>().LastOrDefault(new JinjaUndefined("there is no last item, the sequence is empty")),
        ["reverse"] = (x, _) => x is string text ? string.Concat(JinjaValue.Characters(text).Reverse()) : JinjaValue.Items(x).Reverse().ToList(),
        ["join"] = (x, a) => string.Join(JinjaValue.ToText(a.Get(0, "d", "")), Attributes(x, a.Get(1, "attribute")).Select(JinjaValue.ToText)),
        ["sort"] = (x, a) => Sorted(JinjaValue.Items(x), Key(a.Get(2, "attribute"), a.Get(1, "case_sensitive")), JinjaValue.IsTrue(a.Get(0, "reverse"))),
        ["unique"] = (x, a) => Unique(JinjaValue.Items(x), Key(a.Get(1, "attribute"), a.Get(0, "case_sensitive"))),
        ["min"] = (x, _) => Sorted(JinjaValue.Items(x), Folded, false).FirstOrDefault(new JinjaUndefined("there is no smallest item, the sequence is empty")),
        ["max"] = (x, _) => Sorted(JinjaValue.Items(x), Folded, true).FirstOrDefault(new JinjaUndefined("there is no largest item, the sequence is empty")),
        ["sum"] = (x, a) => Attributes(x, a.Get(0, "attribute")).Aggregate(a.Get(1, "start", 0L), (total, item) => JinjaOperators.Apply("+", total, item)),
        ["map"] = Map,
        ["select"] = (x, a) => Chosen(x, a, 0, wanted: true),
        ["reject"] = (x, a) => Chosen(x, a, 0, wanted: false),
        ["selectattr"] = (x, a) => Chosen(x, a, 1, wanted: true),
        ["rejectattr"] = (x, a) => Chosen(x, a, 1, wanted: false),
        ["int"] = (x, a) => Number(x) is { } number && Math.Abs(number) < 9e18 ? (object)(x is long whole ? whole : (long)number) : a.Get(0, "default", 0L),
        ["float"] = (x, a) => Number(x) ?? a.Get(0, "default", 0.0),
        ["abs"] = (x, _) => x switch { long number => (object)Math.Abs(number), double number => Math.Abs(number), _ => throw new JinjaException($"abs needs a number, not {JinjaValue.TypeName(x)}") },
        ["round"] = (x, a) => Rounded(Number(x) ?? throw new JinjaException($"round needs a number, not {JinjaValue.TypeName(x)}"), (int)Math.Clamp(a.Integer(0, "precision", 0), 0, 15)),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> s_synonyms = new Dictionary<string, string> { ["count"] = "length", ["d"] = "default", ["e"] = "escape" }.ToFrozenDictionary();

    /// <summary>The filter of that name, or an error that says which there are.</summary>
    public static Func<object?, JinjaArguments, object?> Get(string name) =>
        s_all.TryGetValue(s_synonyms.GetValueOrDefault(name, name), out var filter) ? filter : throw new JinjaException($"no filter named '{name}'; {Suggestion.For(name, s_all.Keys.Order(StringComparer.Ordinal))}");

    // map("filter", …) or map(attribute="name", default=…)
    private static object Map(object? items, JinjaArguments arguments)
    {
        if (arguments.Named.TryGetValue("attribute", out var attribute))
            return Attributes(items, attribute).Select(item => item is JinjaUndefined && arguments.Named.TryGetValue("default", out var absent) ? absent : item).ToList();
        var filter = Get(JinjaValue.ToText(arguments.Need(0, "map")));
        var rest = arguments with { Positional = [.. arguments.Positional.Skip(1)] };
        return JinjaValue.Items(items).Select(item => filter(item, rest)).ToList();
    }

    // select("test", …), selectattr("attribute", "test", …); without a test, what is true.
    private static List<object?> Chosen(object? items, JinjaArguments arguments, int skip, bool wanted)
    {
        var attribute = skip > 0 ? arguments.Need(0, "selectattr") : null;
        var test = arguments.Positional.Count > skip ? JinjaTests.Get(JinjaValue.ToText(arguments.Positional[skip])) : (x, _) => JinjaValue.IsTrue(x);
        var rest = arguments with { Positional = [.. arguments.Positional.Skip(skip + 1)] };
        return [.. JinjaValue.Items(items).Where(item => test(attribute is null ? item : Path(item, attribute), rest) == wanted)];
    }

    private static IEnumerable<object?> Attributes(object? items, object? attribute) =>
        attribute is null ? JinjaValue.Items(items) : JinjaValue.Items(items).Select(item => Path(item, attribute));

    // "function.name" is the name of the function; "0" and 0 the first item.
    private static object? Path(object? item, object? attribute) => attribute is not string path ? JinjaAccess.Item(item, attribute)
        : path.Split('.').Aggregate(item, (value, part) => JinjaAccess.Item(value, long.TryParse(part, CultureInfo.InvariantCulture, out var index) ? index : part));

    private static Func<object?, object?> Key(object? attribute, object? caseSensitive) =>
        item => (attribute is null ? item : Path(item, attribute)) is var value && JinjaValue.IsTrue(caseSensitive) ? value : Folded(value);

    private static object? Folded(object? value) => value is string text ? text.ToLowerInvariant() : value;

    private static List<object?> Sorted(IEnumerable<object?> items, Func<object?, object?> key, bool reverse)
    {
        var order = Comparer<object?>.Create((a, b) => JinjaValue.Compare(a, b));
        try
        {
            return [.. reverse ? items.OrderByDescending(key, order) : items.OrderBy(key, order)];
        }
        catch (InvalidOperationException e) when (e.InnerException is JinjaException inner)
        {
            throw inner;
        }
    }

    private static List<object?> Unique(IEnumerable<object?> items, Func<object?, object?> key)
    {
        var seen = new List<object?>();
        return [.. items.Where(item =>
        {
            var value = key(item);
            if (seen.Any(other => JinjaValue.AreEqual(other, value))) return false;
            seen.Add(value);
            return true;
        })];
    }

    // Formatting sees the binary number's exact value, as Python does: 2.675 is below its middle and rounds to 2.67.
    private static double Rounded(double number, int precision) =>
        precision == 0 ? Math.Round(number) : double.Parse(number.ToString($"F{precision}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static double? Number(object? value) => value switch
    {
        bool or long or double => JinjaValue.Double(value),
        string text when double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };
}
