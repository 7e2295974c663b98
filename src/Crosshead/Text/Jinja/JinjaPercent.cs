using System.Globalization;

namespace Crosshead.Text.Jinja;

/// <summary>Python's <c>"%s is %.2f" % (a, b)</c>, with values in order or by name.</summary>
internal sealed class JinjaPercent
{
    private readonly string _format;
    private readonly object? _values;
    private readonly IReadOnlyList<object?> _list;
    private readonly JinjaBudget _budget;
    private readonly JinjaTextBuilder _result;
    private int _at, _next;

    private JinjaPercent(string format, object? values, JinjaBudget budget)
    {
        (_format, _values, _budget, _result) = (format, values, budget, new JinjaTextBuilder(budget));
        _list = values as object?[] ?? [values];
    }

    /// <summary>The text with the values in their places.</summary>
    /// <exception cref="JinjaException">A conversion is not known, or the values do not fit.</exception>
    public static string Format(string format, object? values, JinjaBudget budget)
    {
        var percent = new JinjaPercent(format, values, budget);
        percent.Run();
        return percent._result.ToString();
    }

    private void Run()
    {
        var named = false;
        while (_at < _format.Length)
        {
            var sign = _format.IndexOf('%', _at);
            if (sign != _at)
            {
                var end = sign < 0 ? _format.Length : sign;
                _result.Append(_format.AsSpan(_at..end));
                _at = end;
                continue;
            }
            _at++;
            if (Is('%')) _result.Append(_format[_at++]);
            else named |= Conversion();
        }
        // A dict, a list or a text may be left without a conversion, a tuple's values may not.
        if (!named && _next < _list.Count && _values is not JinjaDictionary and not List<object?>)
            throw new JinjaException($"'%' has {_list.Count} values for {_next} conversions");
    }

    // True if the value is taken by its name.
    private bool Conversion()
    {
        string? name = null;
        if (Is('('))
        {
            var end = _format.IndexOf(')', _at);
            if (end < 0) throw Incomplete();
            name = _format[(_at + 1)..end];
            _at = end + 1;
        }
        var flags = "";
        while (_at < _format.Length && "#0- +".Contains(_format[_at])) flags += _format[_at++];
        var width = Number() ?? 0;
        if (width < 0) (flags, width) = (flags + "-", -width);
        var precision = Is('.') ? Precision() : (long?)null;
        while (_at < _format.Length && "hlL".Contains(_format[_at])) _at++;
        if (_at == _format.Length) throw Incomplete();
        var type = _format[_at++];
        var value = name is null ? Take() : _values is JinjaDictionary dictionary
            ? dictionary.Has(name, out var found) ? found : throw new JinjaException($"'%' needs the value '{name}'")
            : throw new JinjaException("'%' with names needs a dict");
        var (sign, text) = Written(value, type, precision, flags);
        var missing = width - JinjaText.Length(sign) - JinjaText.Length(text);
        var left = flags.Contains('-');
        var zeros = flags.Contains('0') && !left && type is not ('s' or 'r' or 'a' or 'c');
        if (!left && !zeros) _result.Append(" ", missing);
        _result.Append(sign);
        if (zeros) _result.Append("0", missing);
        _result.Append(text);
        if (left) _result.Append(" ", missing);
        return name is not null;
    }

    private (string Sign, string Text) Written(object? value, char type, long? precision, string flags)
    {
        if (type is 's' or 'r' or 'a')
        {
            var text = type == 's' ? JinjaValue.ToText(value, _budget) : JinjaRepresentation.Of(value, _budget);
            return ("", precision is { } most ? text[..JinjaText.Skip(text, 0, most)] : text);
        }
        if (type == 'c')
            return ("", value is string one && JinjaText.Length(one) == 1 ? one
                : value is long code and >= 0 and <= 0x10FFFF ? JinjaText.Character((int)code)
                : throw new JinjaException("%c needs a character or its number"));
        if (value is JinjaUndefined undefined) throw undefined.Error();
        if (!JinjaNumber.Is(value) || value is double && (type is 'x' or 'X' or 'o'))
            throw new JinjaException($"%{type} needs a number, not {JinjaValue.TypeName(value)}");
        var negative = JinjaNumber.Double(value) < 0 || value is double number && double.IsNegative(number);
        var sign = negative ? "-" : flags.Contains('+') ? "+" : flags.Contains(' ') ? " " : "";
        var alternate = flags.Contains('#');
        switch (type)
        {
            case 'd' or 'i' or 'u':
                var digits = value is double floating
                    ? double.IsFinite(floating) ? $"{System.Numerics.BigInteger.Abs(new(floating))}"
                        : throw new JinjaException("%d needs a finite number")
                    : Digits(JinjaNumber.Whole(value), 10);
                if (digits == "0" && sign == "-") sign = flags.Contains('+') ? "+" : flags.Contains(' ') ? " " : "";
                return (sign, digits.PadLeft((int)Math.Min(precision ?? 0, 400), '0'));
            case 'x' or 'X' or 'o':
                var whole = Digits(JinjaNumber.Whole(value), type == 'o' ? 8 : 16)
                    .PadLeft((int)Math.Min(precision ?? 0, 400), '0');
                if (type == 'X') whole = whole.ToUpperInvariant();
                return (sign + (alternate ? $"0{type}" : ""), whole);
            case 'f' or 'F' or 'e' or 'E' or 'g' or 'G':
                return (sign, JinjaNumberText.Write(JinjaNumber.Double(value), type, precision ?? 6, alternate));
            default:
                throw new JinjaException($"'%' does not know the conversion {type.ToString().Shown()}; known are s, r, "
                    + "a, c, d, i, u, o, x, X, e, E, f, F, g and G");
        }
    }

    /// <summary>A whole number without its sign in a base.</summary>
    public static string Digits(long number, int radix)
    {
        var left = number < 0 ? (ulong)-(number + 1) + 1 : (ulong)number;
        if (radix == 10) return left.ToString(CultureInfo.InvariantCulture);
        var digits = "";
        do digits = "0123456789abcdef"[(int)(left % (ulong)radix)] + digits;
        while ((left /= (ulong)radix) > 0);
        return digits;
    }

    private bool Is(char c) => _at < _format.Length && _format[_at] == c;

    private long Precision()
    {
        _at++;
        return Math.Max(0, Number() ?? 0);
    }

    private long? Number()
    {
        if (Is('*'))
        {
            _at++;
            return Take() is long given ? given : throw new JinjaException("'%' with * needs a whole number");
        }
        var begin = _at;
        while (_at < _format.Length && char.IsAsciiDigit(_format[_at])) _at++;
        return begin == _at ? null : _at - begin > 9 ? throw new JinjaException("'%' has a number that is too large")
            : long.Parse(_format[begin.._at], CultureInfo.InvariantCulture);
    }

    private object? Take() => _next < _list.Count ? _list[_next++]
        : throw new JinjaException("'%' has more conversions than values");

    private static JinjaException Incomplete() =>
        new("'%' at the end of a format has no conversion; write %% for the sign");
}
