using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Crosshead.Text.Jinja;

/// <summary>
/// Python's numbers: how they are read, written, compared and rounded. Whole numbers have 64 bits here; larger ones are
/// an error.
/// </summary>
internal static partial class JinjaNumber
{
    public static bool Is(object? value) => value is bool or long or double;

    public static double Double(object? value) =>
        value switch { bool flag => flag ? 1 : 0, long number => number, double number => number, _ => double.NaN };

    public static long Whole(object? value) => value is bool flag ? flag ? 1 : 0 : (long)value!;

    /// <summary>A floating-point number without its fraction.</summary>
    public static long Truncated(double number) => Math.Abs(number) < 9.2e18 ? (long)number : throw TooLarge();

    /// <summary>The order of two numbers; null if one is not a number.</summary>
    public static int? Order(object? a, object? b)
    {
        if (a is not double && b is not double) return Whole(a).CompareTo(Whole(b));
        var (x, y) = (Double(a), Double(b));
        if (double.IsNaN(x) || double.IsNaN(y)) return null;
        if (x != y || (a is double && b is double) || Math.Abs(x) >= 9.2e18) return x.CompareTo(y);
        // a whole number may have lost digits
        return (a is double ? (long)x : Whole(a)).CompareTo(b is double ? (long)y : Whole(b));
    }

    /// <summary>The number that float() reads, or null.</summary>
    public static double? ReadFloat(string text)
    {
        var trimmed = Digits(text);
        if (trimmed.TrimStart('+', '-').ToLowerInvariant() is "inf" or "infinity" or "nan"
            && trimmed.Length - trimmed.TrimStart('+', '-').Length < 2)
            return trimmed.EndsWith("an", StringComparison.OrdinalIgnoreCase) ? double.NaN : trimmed[0] == '-'
                ? double.NegativeInfinity : double.PositiveInfinity;
        return Float().IsMatch(trimmed)
            ? double.Parse(trimmed.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) : null;
    }

    /// <summary>The number that int() reads in a base, 0 for the base that its beginning says, or null.</summary>
    public static long? ReadWhole(string text, long radix)
    {
        var match = Integer().Match(Digits(text));
        if (!match.Success || radix is not (0 or >= 2 and <= 36)) return null;
        var (prefix, digits) = (match.Groups["prefix"].Value.ToLowerInvariant(), match.Groups["digits"].Value);
        var named = prefix switch { "0x" => 16, "0o" => 8, "0b" => 2, _ => 0 };
        // 0b1 in base 16 is a number, too
        if (named != 0 && radix != 0 && radix != named) (named, digits) = (0, prefix + digits);
        if (named == 0 && digits.StartsWith('_')) return null;
        if (radix == 0 && named == 0 && digits.Length > 1 && digits[0] == '0' && digits.Trim('0', '_').Length > 0)
            return null;
        var value = BigInteger.Zero;
        var used = named != 0 ? named : radix == 0 ? 10 : (int)radix;
        foreach (var c in digits.ToLowerInvariant().Where(c => c != '_'))
        {
            var digit = char.IsAsciiDigit(c) ? c - '0' : c - 'a' + 10;
            if (digit >= used) return null;
            value = value * used + digit;
            if (value > ulong.MaxValue) throw TooLarge();
        }
        if (match.Groups["sign"].Value == "-") value = -value;
        return value >= long.MinValue && value <= long.MaxValue ? (long)value : throw TooLarge();
    }

    /// <summary>
    /// Python's round() to a number of decimals, which may be negative: halves go to the even neighbour of the exact
    /// value.
    /// </summary>
    public static double Rounded(double number, long decimals)
    {
        if (!double.IsFinite(number) || number == 0 || decimals > 400) return number;
        var whole = Scaled(number, Math.Max(decimals, -400));
        return double.CopySign(
            double.Parse($"{whole}e{-Math.Max(decimals, -400)}", CultureInfo.InvariantCulture), number);
    }

    /// <summary>
    /// A finite number times a power of ten, rounded: halves go to the even neighbour of the exact value.
    /// </summary>
    public static BigInteger Scaled(double number, long decimals)
    {
        var bits = BitConverter.DoubleToInt64Bits(number);
        var exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger top = exponent == 0 ? bits & (1L << 52) - 1 : bits & (1L << 52) - 1 | 1L << 52;
        exponent = Math.Max(exponent, 1) - 1075;
        return Rounded(exponent > 0 ? top << exponent : top,
            exponent < 0 ? BigInteger.One << -exponent : BigInteger.One, decimals);
    }

    /// <summary>Like <see cref="Rounded(double, long)"/>, for a whole number.</summary>
    public static long Rounded(long number, long decimals) =>
        decimals >= 0 ? number : decimals < -20 ? 0
        : (long)(Rounded(number, BigInteger.One, decimals) * BigInteger.Pow(10, (int)-decimals));

    /// <summary>A floating-point number as Python writes it.</summary>
    public static string Written(double number)
    {
        if (!double.IsFinite(number)) return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        var size = Math.Abs(number);
        var text = size == 0 || (size >= 1e-4 && size < 1e16)
            ? number.ToString("0.0################################", CultureInfo.InvariantCulture) : null;
        if (text is not null && double.Parse(text, CultureInfo.InvariantCulture) == number) return text;
        text = number.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        if (text.Contains('e') || size < 1e16) return text;
        var digits = text.TrimStart('-');
        var mantissa = digits.TrimEnd('0');
        return $"{(number < 0 ? "-" : "")}{mantissa[0]}{(mantissa.Length > 1 ? "." + mantissa[1..] : "")}"
            + $"e+{digits.Length - 1}";
    }

    public static JinjaException TooLarge() => new("a whole number is too large for 64 bits");

    // top / bottom × 10^decimals, rounded.
    private static BigInteger Rounded(BigInteger top, BigInteger bottom, long decimals)
    {
        var scale = BigInteger.Pow(10, (int)Math.Abs(decimals));
        if (decimals > 0) top *= scale;
        else bottom *= scale;
        var whole = BigInteger.DivRem(top, bottom, out var rest);
        var half = BigInteger.Abs(rest * 2).CompareTo(bottom);
        return half > 0 || (half == 0 && !whole.IsEven) ? whole + top.Sign : whole;
    }

    // Without white space around it and with other scripts' digits as 0 to 9.
    private static string Digits(string text) => string.Concat(JinjaText.Strip(text, null, start: true, end: true)
        .Select(c => CharUnicodeInfo.GetDecimalDigitValue(c) is >= 0 and var digit ? (char)('0' + digit) : c));

    [GeneratedRegex(
        @"\A[+-]?([0-9]+(_[0-9]+)*(\.([0-9]+(_[0-9]+)*)?)?|\.[0-9]+(_[0-9]+)*)([eE][+-]?[0-9]+(_[0-9]+)*)?\z")]
    private static partial Regex Float();

    [GeneratedRegex(@"\A(?<sign>[+-]?)(?<prefix>0[xXoObB])?(?<digits>_?[0-9a-zA-Z]+(_[0-9a-zA-Z]+)*)\z")]
    private static partial Regex Integer();
}
