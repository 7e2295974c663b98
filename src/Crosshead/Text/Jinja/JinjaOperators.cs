namespace Crosshead.Text.Jinja;

/// <summary>The arithmetic and the comparisons of template expressions, as Python's.</summary>
internal static class JinjaOperators
{
    public static object? Apply(string sign, object? a, object? b, JinjaBudget budget)
    {
        if (sign == "~") return Joined(JinjaValue.ToText(a, budget), JinjaValue.ToText(b, budget), budget);
        if (sign == "%" && a is string format) return JinjaPercent.Format(format, b, budget);
        if ((a as JinjaUndefined ?? b as JinjaUndefined) is { } undefined) throw undefined.Error();
        try
        {
            return (sign, a, b) switch
            {
                ("+", string x, string y) => Joined(x, y, budget),
                ("+", List<object?> x, List<object?> y) => Items(x, x.Count + (long)y.Count, budget).Concat(y).ToList(),
                ("+", object?[] x, object?[] y) => Items(x, x.Length + (long)y.Length, budget).Concat(y).ToArray(),
                ("*", string or List<object?> or object?[], long or bool) => Repeated(a, JinjaNumber.Whole(b), budget),
                ("*", long or bool, string or List<object?> or object?[]) => Repeated(b, JinjaNumber.Whole(a), budget),
                _ when JinjaNumber.Is(a) && JinjaNumber.Is(b) =>
                    a is double || b is double || sign == "/" || (sign == "**" && JinjaNumber.Whole(b) < 0)
                    ? Floating(sign, JinjaNumber.Double(a), JinjaNumber.Double(b))
                    : Integer(sign, JinjaNumber.Whole(a), JinjaNumber.Whole(b)),
                _ => throw new JinjaException(
                    $"'{sign}' is not supported between {JinjaValue.TypeName(a)} and {JinjaValue.TypeName(b)}"),
            };
        }
        catch (OverflowException)
        {
            throw new JinjaException($"the result of '{sign}' is too large");
        }
    }

    /// <summary>Whether a comparison holds.</summary>
    public static bool Holds(string sign, object? a, object? b, JinjaBudget budget) => sign switch
    {
        "==" => JinjaValue.AreEqual(a, b, budget),
        "!=" => !JinjaValue.AreEqual(a, b, budget),
        "<" => JinjaValue.Order(a, b, sign, budget) < 0,
        "<=" => JinjaValue.Order(a, b, sign, budget) <= 0,
        ">" => JinjaValue.Order(a, b, sign, budget) > 0,
        ">=" => JinjaValue.Order(a, b, sign, budget) >= 0,
        "in" => JinjaValue.Contains(b, a, budget),
        _ => !JinjaValue.Contains(b, a, budget),
    };

    /// <summary>A number with a sign before it.</summary>
    public static object? Signed(object? value, bool negative, JinjaBudget budget) =>
        value is double number ? negative ? -number : number : Apply(negative ? "-" : "+", 0L, value, budget);

    private static object Integer(string sign, long a, long b) => sign switch
    {
        "+" => checked(a + b),
        "-" => checked(a - b),
        "*" => checked(a * b),
        "//" when b != 0 => checked(a / b) - (a % b != 0 && a < 0 != b < 0 ? 1 : 0),
        "%" when b != 0 => b == -1 ? 0L : (a % b + b) % b,
        "**" => Power(a, b),
        _ => throw new JinjaException("division by zero"),
    };

    private static object Floating(string sign, double a, double b) => sign switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "**" => Power(a, b),
        "/" when b != 0 => a / b,
        "//" when b != 0 => Divided(a, b).Whole,
        "%" when b != 0 => Divided(a, b).Remainder,
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

    private static double Power(double a, double b)
    {
        var result = Math.Pow(a, b);
        return double.IsFinite(result) || !double.IsFinite(a) || !double.IsFinite(b) ? result
            : throw new JinjaException(a == 0 ? "division by zero"
            : "the result of '**' is too large or no real number");
    }

    // Python's divmod: the rest has the divisor's sign, and the quotient fits it.
    private static (double Whole, double Remainder) Divided(double a, double b)
    {
        var rest = a % b;
        var quotient = (a - rest) / b;
        if (rest == 0) rest = double.CopySign(0, b);
        else if (b < 0 != rest < 0)
        {
            rest += b;
            quotient--;
        }
        if (quotient == 0) return (double.CopySign(0, a / b), rest);
        var whole = Math.Floor(quotient);
        return (quotient - whole > 0.5 ? whole + 1 : whole, rest);
    }

    private static string Joined(string a, string b, JinjaBudget budget)
    {
        budget.RequireText((long)a.Length + b.Length);
        return (string)budget.Made(a + b)!;
    }

    private static IEnumerable<object?> Items(IReadOnlyList<object?> first, long count, JinjaBudget budget)
    {
        budget.MakeItems(count);
        return first;
    }

    private static object Repeated(object? value, long times, JinjaBudget budget)
    {
        if (value is string text) return new JinjaTextBuilder(budget).Append(text, times).ToString();
        var items = (IReadOnlyList<object?>)value!;
        if (times > 0 && items.Count > 0) budget.MakeItems(Math.Min(times, int.MaxValue) * items.Count);
        var repeated = items.Count == 0 ? []
            : Enumerable.Range(0, (int)Math.Clamp(times, 0, int.MaxValue)).SelectMany(_ => items);
        return value is object?[]? repeated.ToArray() : repeated.ToList();
    }
}
