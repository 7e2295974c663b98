using System.Globalization;
using System.Numerics;

namespace Crosshead.Text.Jinja;

/// <summary>Numbers as Python writes them with a precision: its types f, e, g and %.</summary>
internal static class JinjaNumberText
{
    private const int MostDigits = 400;

    /// <summary>A number without its sign, in the form of a type.</summary>
    /// <param name="number">The number, of which the sign is not written.</param>
    /// <param name="type">f, e, g or %, or a capital letter.</param>
    /// <param name="precision">Digits behind the point; for g, all digits.</param>
    /// <param name="alternate">Whether a point is always written, and g keeps zeros at the end.</param>
    public static string Write(double number, char type, long precision, bool alternate)
    {
        if (precision is < 0 or > MostDigits)
            throw new JinjaException($"a precision of {precision} digits is not supported, at most {MostDigits}");
        if (type == '%') return Write(number * 100, 'f', precision, alternate) + "%";
        var size = Math.Abs(number);
        var text = !double.IsFinite(size) ? double.IsNaN(size) ? "nan" : "inf" : char.ToLowerInvariant(type) switch
        {
            'f' => Fixed(size, (int)precision, alternate),
            'e' => Exponential(size, (int)precision, alternate),
            _ => General(size, (int)Math.Max(1, precision), alternate),
        };
        return char.IsUpper(type) ? text.ToUpperInvariant() : text;
    }

    private static string Fixed(double size, int precision, bool alternate)
    {
        var digits = JinjaNumber.Scaled(size, precision).ToString(CultureInfo.InvariantCulture)
            .PadLeft(precision + 1, '0');
        return precision > 0 ? $"{digits[..^precision]}.{digits[^precision..]}" : alternate ? digits + "." : digits;
    }

    private static string Exponential(double size, int precision, bool alternate)
    {
        var (digits, exponent) = Significant(size, precision + 1);
        return $"{digits[0]}{(precision > 0 || alternate ? "." : "")}{digits[1..]}e{(exponent < 0 ? '-' : '+')}"
            + $"{Math.Abs(exponent):00}";
    }

    private static string General(double size, int precision, bool alternate)
    {
        var exponent = Significant(size, precision).Exponent;
        if (exponent >= -4 && exponent < precision)
            return Trimmed(Fixed(size, precision - 1 - exponent, alternate), alternate);
        var text = Exponential(size, precision - 1, alternate);
        var mark = text.IndexOf('e');
        return Trimmed(text[..mark], alternate) + text[mark..];
    }

    private static string Trimmed(string text, bool alternate) =>
        alternate || !text.Contains('.') ? text : text.TrimEnd('0').TrimEnd('.');

    // The first digits of a number, rounded, and the power of ten of the first one.
    private static (string Digits, int Exponent) Significant(double size, int count)
    {
        if (size == 0) return (new string('0', count), 0);
        var exponent = (int)Math.Floor(Math.Log10(size));
        while (true)
        {
            var digits = BigInteger.Abs(JinjaNumber.Scaled(size, count - 1 - exponent))
                .ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count) return (digits, exponent);
            exponent += digits.Length > count ? 1 : -1; // the logarithm, or the rounding, was off by one
        }
    }
}
