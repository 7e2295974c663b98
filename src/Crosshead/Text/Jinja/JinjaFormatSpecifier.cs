using System.Globalization;
using System.Text.RegularExpressions;

namespace Crosshead.Text.Jinja;

/// <summary>
/// How a value is written in a place of <c>str.format</c>:
/// <c>[[fill]align][sign][#][0][width][,][.precision][type]</c>.
/// </summary>
internal sealed partial record JinjaFormatSpecifier(string Fill, char Align, char Sign, bool Alternate, int Width,
    string Grouping, int? Precision, char Type)
{
    /// <summary>Reads a specifier; an empty one changes nothing.</summary>
    /// <exception cref="JinjaException">It is none.</exception>
    public static JinjaFormatSpecifier Read(string text)
    {
        var match = Form().Match(text);
        if (!match.Success) throw new JinjaException($"'{text.Shown()}' is no format of a value");
        char One(string group) => match.Groups[group] is { Length: > 0 } found ? found.Value[0] : '\0';
        int? Number(string group) => match.Groups[group] is { Length: > 0 } found
            ? int.Parse(found.Value, CultureInfo.InvariantCulture) : null;
        var zero = match.Groups["zero"].Length > 0;
        return new(match.Groups["fill"].Length > 0 ? match.Groups["fill"].Value : zero ? "0" : " ",
            One("align") is var align and not '\0' ? align : zero ? '=' : '\0', One("sign"),
            match.Groups["alternate"].Length > 0, Number("width") ?? 0, match.Groups["grouping"].Value,
            Number("precision"), One("type"));
    }

    /// <summary>The text of a value.</summary>
    /// <exception cref="JinjaException">The value does not fit.</exception>
    public string Write(object? value, JinjaBudget budget)
    {
        if (this is { Width: 0, Align: '\0', Sign: '\0', Alternate: false, Grouping: "", Precision: null, Type: '\0' })
            return JinjaValue.ToText(value, budget);
        if (JinjaNumber.Is(value)) return Number(value!, budget);
        if (value is not string || Type is not ('\0' or 's') || Sign != '\0' || Grouping != "" || Align == '=')
            throw (value as JinjaUndefined)?.Error() ?? new JinjaException(
                $"a {JinjaValue.TypeName(value)} cannot be formatted so");
        var text = JinjaValue.ToText(value, budget);
        if (Precision is { } most) text = text[..JinjaText.Skip(text, 0, most)];
        return Padded("", text, Align == '\0' ? '<' : Align, budget);
    }

    private string Number(object value, JinjaBudget budget)
    {
        var number = JinjaNumber.Double(value);
        var negative = double.IsNegative(number) && !double.IsNaN(number);
        var sign = negative ? "-" : Sign is '+' or ' ' ? $"{Sign}" : "";
        var type = char.ToLowerInvariant(Type);
        string text;
        if (value is double ? type is 'f' or 'e' or 'g' or '%' : type is 'f' or 'e' or 'g' or '%')
            text = JinjaNumberText.Write(number, Type, Precision ?? 6, Alternate);
        else if (value is double && Type == '\0')
            text = Precision is { } digits ? Plain(JinjaNumberText.Write(number, 'g', digits, Alternate))
                : JinjaNumber.Written(Math.Abs(number));
        else if (value is not double && Precision is null && Type is '\0' or 'd' or 'b' or 'o' or 'x' or 'X')
        {
            text = JinjaPercent.Digits(JinjaNumber.Whole(value),
                type switch { 'b' => 2, 'o' => 8, 'x' => 16, _ => 10 });
            if (Type == 'X') text = text.ToUpperInvariant();
            if (Alternate && type is 'b' or 'o' or 'x') sign += $"0{Type}";
        }
        else throw new JinjaException($"a {JinjaValue.TypeName(value)} has no format '{Type}'");
        return Padded(sign, Grouped(text), Align == '\0' ? '>' : Align, budget);
    }

    // A floating-point number keeps a point.
    private static string Plain(string text) => text.Any(c => c is '.' or 'e' or 'n') ? text : text + ".0";

    private string Grouped(string text)
    {
        if (Grouping == "") return text;
        var end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        var whole = end < 0 ? text : text[..end];
        for (var at = whole.Length - 3; at > 0; at -= 3) whole = whole.Insert(at, Grouping);
        return whole + (end < 0 ? "" : text[end..]);
    }

    private string Padded(string sign, string text, char align, JinjaBudget budget)
    {
        var missing = Math.Max(0, Width - JinjaText.Length(sign) - JinjaText.Length(text));
        var left = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        var result = new JinjaTextBuilder(budget);
        return (align == '=' ? result.Append(sign).Append(Fill, missing).Append(text)
            : result.Append(Fill, left).Append(sign).Append(text).Append(Fill, missing - left)).ToString();
    }

    [GeneratedRegex(@"\A((?<fill>[\ud800-\udbff][\udc00-\udfff]|.)?(?<align>[<>=^]))?(?<sign>[-+ ])?"
        + @"(?<alternate>#)?(?<zero>0)?"
        + @"(?<width>[0-9]{1,6})?(?<grouping>[,_])?(\.(?<precision>[0-9]{1,4}))?(?<type>[bdeEfFgGosxX%])?\z",
        RegexOptions.Singleline)]
    private static partial Regex Form();
}
