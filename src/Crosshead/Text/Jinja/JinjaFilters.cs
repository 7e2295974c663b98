namespace Crosshead.Text.Jinja;

/// <summary>
/// The filters of a template: what stands behind <c>|</c>. Those of lists are in <see cref="JinjaSequenceFilters"/>
/// and <see cref="JinjaGroupFilters"/>, those of layout in <see cref="JinjaLayoutFilters"/>.
/// </summary>
internal static class JinjaFilters
{
    private const string NumberSignature = "precision=0, method='common'";

    private static readonly JinjaTable<object?> s_all = Table();

    /// <summary>The filter with this name, or an error that lists all filters.</summary>
    public static Func<object?, JinjaCall, object?> Get(string name) => s_all.Get(name);

    /// <summary>Whether there is a filter of this name.</summary>
    public static bool Has(string name) => s_all.Find(name) is not null;

    private static JinjaTable<object?> Table()
    {
        var table = new JinjaTable<object?>("filter")
        {
            { "trim", "chars=none", (x, a) => JinjaText.Strip(Text(x, a), a.TextOrNone(0), start: true, end: true) },
            { "upper", "", (x, a) => JinjaCasing.Upper(Text(x, a)) },
            { "lower", "", (x, a) => JinjaCasing.Lower(Text(x, a)) },
            { "title", "", (x, a) => JinjaCasing.TitleWords(Text(x, a)) },
            { "capitalize", "", (x, a) => JinjaCasing.Capitalize(Text(x, a)) },
            { "replace", "old, new, count=none", (x, a) => JinjaText.Replace(JinjaValue.ToText(x, a.Budget),
                a.Printed(0), a.Printed(1), a.IntegerOrNone(2) ?? -1, a.Budget) },
            { "indent", "width=4, first=false, blank=false", Indent },
            { "string", "", (x, a) => x is JinjaMarkup ? x : JinjaValue.ToText(x, a.Budget) },
            { "safe", "", (x, a) => new JinjaMarkup(JinjaValue.ToText(x, a.Budget)) },
            { "escape", "",
                (x, a) => x is JinjaMarkup ? x : new JinjaMarkup(Escape(JinjaValue.ToText(x, a.Budget), a.Budget)) },
            { "forceescape", "", (x, a) => new JinjaMarkup(Escape(JinjaValue.ToText(x, a.Budget), a.Budget)) },
            { "tojson", "ensure_ascii=false, indent=none, separators=none, sort_keys=false", JinjaJson.Write },
            { "default", "default_value='', boolean=false",
                (x, a) => x is JinjaUndefined || (a.IsTrue(1) && !JinjaValue.IsTrue(x)) ? a[0] : x },
            { "int", "default=0, base=10", Int },
            { "float", "default=0.0", Float },
            { "abs", "", (x, _) => x switch
            {
                bool or long => (object)Math.Abs(JinjaNumber.Whole(x)),
                double number => Math.Abs(number),
                _ => throw Wrong("abs", "a number", x),
            } },
            { "round", NumberSignature, Round },
            { "d", "default" },
            { "e", "escape" },
            { "count", "length" },
        };
        JinjaSequenceFilters.AddTo(table);
        JinjaGroupFilters.AddTo(table);
        JinjaLayoutFilters.AddTo(table);
        return table;
    }

    /// <summary>The error of a filter for a value of the wrong kind.</summary>
    public static JinjaException Wrong(string filter, string wanted, object? value) =>
        (value as JinjaUndefined)?.Error()
        ?? new JinjaException($"{filter} needs {wanted}, not {JinjaValue.TypeName(value)}");

    // What is marked as safe would stay so, and escape what it is joined to later.
    private static string Text(object? value, JinjaArguments arguments) =>
        value is JinjaMarkup ? throw new JinjaException("what |safe or |escape gives cannot be changed further; put "
            + "them last") : JinjaValue.ToText(value, arguments.Budget);

    private static string Indent(object? value, JinjaArguments arguments)
    {
        var width = arguments[0] as string
            ?? new JinjaTextBuilder(arguments.Budget).Append(" ", arguments.Integer(0)).ToString();
        return JinjaText.Indent(value as string ?? throw Wrong("indent", "a string", value), width, arguments.IsTrue(1),
            arguments.IsTrue(2), arguments.Budget);
    }

    private static string Escape(string text, JinjaBudget budget)
    {
        var result = new JinjaTextBuilder(budget);
        foreach (var c in text)
            result.Append(
                c switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '\'' => "&#39;", '"' => "&#34;", _ => [c] });
        return result.ToString();
    }

    // "42.23"|int is 42, and what is no number the default.
    private static object? Int(object? value, JinjaArguments arguments) => value switch
    {
        bool or long => JinjaNumber.Whole(value),
        double number => double.IsNaN(number) ? arguments[0] : JinjaNumber.Truncated(number),
        string text => (arguments[1] is long radix ? JinjaNumber.ReadWhole(text, radix) : null)
            ?? (JinjaNumber.ReadFloat(text) is { } read && double.IsFinite(read) ? JinjaNumber.Truncated(read)
                : arguments[0]),
        JinjaUndefined undefined => throw undefined.Error(),
        _ => arguments[0],
    };

    private static object? Float(object? value, JinjaArguments arguments) => value switch
    {
        bool or long or double => JinjaNumber.Double(value),
        string text => JinjaNumber.ReadFloat(text) ?? arguments[0],
        JinjaUndefined undefined => throw undefined.Error(),
        _ => arguments[0],
    };

    private static object Round(object? value, JinjaArguments arguments)
    {
        if (!JinjaNumber.Is(value)) throw Wrong("round", "a number", value);
        var decimals = Math.Clamp(arguments.Integer(0), -1000, 1000);
        if (arguments[1] is "common")
            return value is double number ? (object)JinjaNumber.Rounded(number, decimals)
                : JinjaNumber.Rounded(JinjaNumber.Whole(value), decimals);
        var scale = double.Parse($"1e{decimals}", System.Globalization.CultureInfo.InvariantCulture);
        var scaled = JinjaNumber.Double(value) * scale;
        if (!double.IsFinite(scaled)) throw new JinjaException("the result of round is too large");
        return arguments[1] switch
        {
            "ceil" => Math.Ceiling(scaled) / scale,
            "floor" => Math.Floor(scaled) / scale,
            _ => throw new JinjaException("round: method must be common, ceil or floor"),
        };
    }
}
