using System.Numerics;

namespace Crosshead.Evaluation.Answers;

/// <summary>A number: a fraction as long as it can be one, a complex number of double precision else.</summary>
/// <param name="Exact">The value, where it is known exactly.</param>
/// <param name="Approximate">The value, or the double nearest to the exact one.</param>
internal readonly record struct MathValue(Rational? Exact, Complex Approximate)
{
    // Double arithmetic on a few dozen operations loses far less than this.
    private const double Precision = 1e-9;

    // What rounding leaves of a difference that is zero: sin(pi).
    private const double Residue = 1e-13;

    public static MathValue Of(Rational exact) => new(exact, exact.ToDouble());

    /// <summary>A complex number, or null where it is none (an overflow, a division by zero).</summary>
    public static MathValue? Finite(Complex value) =>
        double.IsFinite(value.Real) && double.IsFinite(value.Imaginary) ? new MathValue(null, value) : null;

    public static MathValue? Add(MathValue a, MathValue b) =>
        a.Exact is { } x && b.Exact is { } y && Rational.Add(x, y) is { } sum ? Of(sum)
        : Finite(a.Approximate + b.Approximate);

    public static MathValue? Multiply(MathValue a, MathValue b) =>
        a.Exact is { } x && b.Exact is { } y && Rational.Multiply(x, y) is { } product ? Of(product)
        : a.Exact is { IsZero: true } || b.Exact is { IsZero: true } ? Of(0)
        : Nonzero(a.Approximate * b.Approximate, a.Approximate == 0 || b.Approximate == 0);

    public static MathValue? Power(MathValue a, MathValue b)
    {
        if (a.Exact is { IsZero: true })
            return b.Approximate.Real > 0 ? Of(0) : b.Exact is { IsZero: true } ? Of(1) : null;
        if (a.Exact is { } x && b.Exact is { } y)
        {
            if (y.IsInteger && x.Power(y.Numerator) is { } power) return Of(power);
            if (x.Sign > 0 && y.Denominator <= 100 && x.Root((int)y.Denominator)?.Power(y.Numerator) is { } root)
                return Of(root);
        }
        return Nonzero(b.Exact is { IsInteger: false } half && half.Denominator == 2 && half.Numerator.IsOne
            ? Complex.Sqrt(a.Approximate) : Complex.Pow(a.Approximate, b.Approximate), a.Approximate == 0);
    }

    /// <summary>The root of a whole degree: the real one of a negative number where the degree is odd.</summary>
    public static MathValue? Root(MathValue a, MathValue degree)
    {
        if (degree.Exact is not { IsInteger: true, Sign: > 0 } n || n.Numerator > 1000)
            return degree.Exact is { IsZero: true } ? null : Power(a, Finite(1 / degree.Approximate) ?? Of(0));
        var whole = (int)n.Numerator;
        if (a.Exact?.Root(whole) is { } root) return Of(root);
        var negative = whole % 2 == 1 && a.Approximate is { Imaginary: 0, Real: < 0 };
        var size = whole == 2 ? Complex.Sqrt(a.Approximate)
            : Complex.Pow(negative ? -a.Approximate : a.Approximate, 1.0 / whole);
        return Finite(negative ? -size : size);
    }

    /// <summary>
    /// Whether two values are equal: fractions exactly, other values within the rounding of double precision. If one
    /// was written as a <paramref name="rounded"/> decimal and the other has no finite decimals, a relative difference
    /// of 1e-6 is accepted.
    /// </summary>
    public static bool AreEqual(MathValue a, MathValue b, bool rounded)
    {
        if (a.Exact is { } x && b.Exact is { } y)
            return x == y || (rounded && !(x.IsFiniteDecimal() && y.IsFiniteDecimal())
                && AreNear(a.Approximate, b.Approximate, MathAnswer.DecimalTolerance));
        if (IsBeyondDouble(a) || IsBeyondDouble(b)) return false;
        if (a.Exact is { IsZero: true } || b.Exact is { IsZero: true })
            return Complex.Abs(a.Approximate - b.Approximate) <= Residue;
        return AreNear(a.Approximate, b.Approximate, rounded ? MathAnswer.DecimalTolerance : Precision);
    }

    /// <summary>
    /// A finite value, or null if a result is zero that cannot be zero: it was too small for a double.
    /// </summary>
    public static MathValue? Nonzero(Complex value, bool mayBeZero = false) =>
        value == 0 && !mayBeZero ? null : Finite(value);

    // An exact number whose double is infinite or zero equals no approximate one that we could tell.
    private static bool IsBeyondDouble(MathValue value) =>
        value.Exact is { IsZero: false } && (value.Approximate == 0 || !double.IsFinite(value.Approximate.Real));

    private static bool AreNear(Complex a, Complex b, double relative) =>
        Complex.Abs(a - b) <= relative * Math.Max(Complex.Abs(a), Complex.Abs(b));
}
