using System.Globalization;
using System.Numerics;

namespace Crosshead.Evaluation.Answers;

/// <summary>A fraction of whole numbers in lowest terms, its denominator positive.</summary>
internal readonly record struct Rational
{
    /// <summary>
    /// Numerators and denominators beyond this many bits (about 19,700 digits) are not computed with.
    /// </summary>
    public const long MaximumBits = 1 << 16;

    private Rational(BigInteger numerator, BigInteger denominator)
    {
        Numerator = numerator;
        Denominator = denominator;
    }

    public BigInteger Numerator { get; }

    public BigInteger Denominator { get; }

    public bool IsInteger => Denominator.IsOne;

    public bool IsZero => Numerator.IsZero;

    public int Sign => Numerator.Sign;

    /// <summary>The fraction, or null for a zero denominator or a number too large.</summary>
    public static Rational? Of(BigInteger numerator, BigInteger denominator)
    {
        if (denominator.IsZero) return null;
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        var result = new Rational(numerator / divisor, denominator / divisor);
        return result.Bits > MaximumBits ? null : result;
    }

    public static implicit operator Rational(int value) => new(value, BigInteger.One);

    /// <summary>A decimal's exact value, such as 12.50, .5 or 1.2e3; its length bounds the work.</summary>
    public static Rational? Parse(string text)
    {
        var parts = text.Split('e', 'E');
        if (parts.Length == 2)
            return Parse(parts[0]) is { } mantissa && ((Rational)10).Power(BigInteger.Parse(parts[1],
                CultureInfo.InvariantCulture)) is { } scale ? Multiply(mantissa, scale) : null;
        var digits = parts[0];
        var point = digits.IndexOf('.');
        var decimals = point < 0 ? 0 : digits.Length - point - 1;
        var whole = BigInteger.Parse(point < 0 ? digits : "0" + digits.Remove(point, 1), CultureInfo.InvariantCulture);
        return Of(whole, BigInteger.Pow(10, decimals));
    }

    public static Rational? Add(Rational a, Rational b) =>
        Of(a.Numerator * b.Denominator + b.Numerator * a.Denominator, a.Denominator * b.Denominator);

    public static Rational? Multiply(Rational a, Rational b) =>
        Of(a.Numerator * b.Numerator, a.Denominator * b.Denominator);

    /// <summary>A whole power, or null for 0 to a negative power or a result too large.</summary>
    public Rational? Power(BigInteger exponent)
    {
        if (exponent.Sign < 0 && IsZero) return null;
        if (BigInteger.Abs(Numerator).IsOne && IsInteger) return exponent.IsEven ? 1 : this;
        if (IsZero) return exponent.IsZero ? 1 : 0;
        if (BigInteger.Abs(exponent) * (Bits - 1) > MaximumBits) return null;
        var size = (int)BigInteger.Abs(exponent);
        var (top, bottom) = (BigInteger.Pow(Numerator, size), BigInteger.Pow(Denominator, size));
        return exponent.Sign < 0 ? Of(bottom, top) : Of(top, bottom);
    }

    /// <summary>The real root of the given degree where it is a fraction itself; null elsewhere.</summary>
    public Rational? Root(int degree) =>
        Sign < 0 && degree % 2 == 0 ? null
        : WholeRoot(BigInteger.Abs(Numerator), degree) is { } top && WholeRoot(Denominator, degree) is { } bottom
        ? Of(top * Sign, bottom)
        : null;

    public BigInteger Floor() => BigInteger.Divide(Numerator - (Numerator.Sign < 0 ? Denominator - 1 : 0), Denominator);

    /// <summary>
    /// Whether finitely many decimals write it: whether the denominator has no prime factor but 2 and 5.
    /// </summary>
    public bool IsFiniteDecimal()
    {
        var rest = Denominator;
        foreach (var prime in (int[])[2, 5])
            while ((rest % prime).IsZero) rest /= prime;
        return rest.IsOne;
    }

    /// <summary>The nearest double; numerator and denominator may each be beyond a double's range.</summary>
    public double ToDouble()
    {
        var (top, topShift) = Leading(BigInteger.Abs(Numerator));
        var (bottom, bottomShift) = Leading(Denominator);
        return Sign * Math.ScaleB(top / bottom, topShift - bottomShift);
    }

    private long Bits => Math.Max(BigInteger.Abs(Numerator).GetBitLength(), Denominator.GetBitLength());

    private static (double Leading, int Shift) Leading(BigInteger value)
    {
        var shift = (int)Math.Max(0, value.GetBitLength() - 64);
        return ((double)(value >> shift), shift);
    }

    // Newton's method from above on whole numbers.
    private static BigInteger? WholeRoot(BigInteger value, int degree)
    {
        if (value.IsZero || value.IsOne) return value;
        var root = BigInteger.One << (int)(value.GetBitLength() / degree + 1);
        while (true)
        {
            var next = ((degree - 1) * root + value / BigInteger.Pow(root, degree - 1)) / degree;
            if (next >= root) break;
            root = next;
        }
        return BigInteger.Pow(root, degree) == value ? root : null;
    }
}
