using System.Text;

namespace Crosshead.Data.Chat;

/// <summary>The arithmetic of template expressions, as Python's.</summary>
internal static class JinjaOperators
{
    private const int MaximumLength = 10_000_000;

    public static object? Apply(string sign, object? a, object? b)
    {
        if (sign == "~") return Joined(JinjaValue.ToText(a), JinjaValue.ToText(b));
        if ((a as JinjaUndefined ?? b as JinjaUndefined) is { } undefined) throw undefined.Error();
        try
        {
            return (sign, a, b) switch
            {
                ("+", string x, string y) => Joined(x, y),
                ("+", List<object?> x, List<object?> y) => new List<object?>([.. x, .. y]),
                ("+", object?[] x, object?[] y) => (object?[])[.. x, .. y],
                ("*", string x, long n) => Repeated(x, n),
                ("*", long n, string x) => Repeated(x, n),
                ("%", string x, _) => Formatted(x, b as object?[] ?? [b]),
                _ when JinjaValue.IsNumber(a) && JinjaValue.IsNumber(b) => a is double || b is double || sign == "/" || (sign == "**" && Whole(b) < 0)
                    ? Floating(sign, JinjaValue.Double(a), JinjaValue.Double(b)) : Integer(sign, Whole(a), Whole(b)),
                _ => throw new JinjaException($"'{sign}' is not supported between {JinjaValue.TypeName(a)} and {JinjaValue.TypeName(b)}"),
            };
        }
        catch (OverflowException)
        {
            throw new JinjaException($"the result of '{sign}' is too large");
        }
    }

    public static object? Negative(object? value) => value is double number ? -number : Apply("-", 0L, value);

    private static long Whole(object? value) => value is bool flag ? flag ? 1 : 0 : (long)value!;

    private static object Integer(string sign, long a, long b) => sign switch
    {
        "+" => checked(a + b),
        "-" => checked(a - b),
        "*" => checked(a * b),
        "//" when b != 0 => checked(a / b) - (a % b != 0 && a < 0 != b < 0 ? 1 : 0),
        "%" when b != 0 => b == -1 ? 0 : (a % b + b) % b,
        "**" => Power(a, b),
        _ => throw new JinjaException("division by zero"),
    };

    private static object Floating(string sign, double a, double b) => sign switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "**" => Math.Pow(a, b),
        "/" when b != 0 => a / b,
        "//" when b != 0 => Math.Floor(a / b),
        "%" when b != 0 => a - Math.Floor(a / b) * b,
        _ => throw new JinjaException("division by zero"),
    };

    private static long Power(long a, long b)
    {
        var result = 1L;
        if (a is 0 or 1) return b == 0 ? 1 : a;
        if (a == -1) return b % 2 == 0 ? 1 : -1;
        for (var i = 0L; i < b; i++) result = checked(result * a);
        return result;
    }

    private static string Joined(string a, string b) => a.Length + b.Length <= MaximumLength ? a + b : throw new JinjaException($"a text longer than {MaximumLength:N0} characters");

    private static string Repeated(string text, long count) =>
        count <= 0 ? "" : text.Length * Math.Min(count, MaximumLength + 1L) <= MaximumLength ? new StringBuilder().Insert(0, text, (int)count).ToString()
        : throw new JinjaException($"a text longer than {MaximumLength:N0} characters");

    // "%s is %d": the two conversions that templates use.
    private static string Formatted(string format, IReadOnlyList<object?> values)
    {
        var result = new StringBuilder();
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%') result.Append(format[i]);
            else if (++i < format.Length && format[i] == '%') result.Append('%');
            else if (i < format.Length && format[i] is 's' or 'd' && next < values.Count) result.Append(JinjaValue.ToText(values[next++]));
            else throw new JinjaException("'%' formats with %s and %d, one for each value");
        }
        return next == values.Count ? result.ToString() : throw new JinjaException("'%' formats with %s and %d, one for each value");
    }
}
