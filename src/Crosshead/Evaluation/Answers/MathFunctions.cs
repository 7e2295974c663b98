using System.Collections.Frozen;
using System.Numerics;

namespace Crosshead.Evaluation.Answers;

/// <summary>
/// The functions of answers. The whole ones are exact on fractions; the others compute with complex numbers.
/// </summary>
internal static class MathFunctions
{
    // The factorials up to this are computed exactly; they have 6,500 digits at most.
    private const int MaximumFactorial = 2_200;

    private static readonly FrozenDictionary<string, Func<Complex, Complex>> s_complex =
        new Dictionary<string, Func<Complex, Complex>>
        {
            ["sin"] = Complex.Sin,
            ["cos"] = Complex.Cos,
            ["tan"] = Complex.Tan,
            ["cot"] = x => 1 / Complex.Tan(x),
            ["sec"] = x => 1 / Complex.Cos(x),
            ["csc"] = x => 1 / Complex.Sin(x),
            ["arcsin"] = Complex.Asin,
            ["arccos"] = Complex.Acos,
            ["arctan"] = Complex.Atan,
            ["sinh"] = Complex.Sinh,
            ["cosh"] = Complex.Cosh,
            ["tanh"] = Complex.Tanh,
            ["exp"] = Complex.Exp,
            ["ln"] = Complex.Log,
            ["log"] = Complex.Log,
            ["lg"] = Complex.Log10,
        }.ToFrozenDictionary();

    /// <summary>The function's value, or null where it has none.</summary>
    public static MathValue? Apply(string name, IReadOnlyList<MathValue> arguments)
    {
        var x = arguments[0];
        switch (name)
        {
            case "abs":
                return x.Exact is { } a ? MathValue.Of(a.Sign < 0 ? Rational.Multiply(a, -1)!.Value : a)
                    : MathValue.Finite(Complex.Abs(x.Approximate));
            case "floor": return Floor(x);
            case "ceiling": return Floor(Negative(x)) is { } down ? Negative(down) : null;
            case "factorial": return Factorial(x);
            case "binomial": return Binomial(x, arguments[1]);
            case "exp" or "sin" or "tan" or "arcsin" or "arctan" when x.Exact is { IsZero: true }:
                return MathValue.Of(name == "exp" ? 1 : 0);
            case "ln" or "log" or "lg" or "cot" or "csc" when x.Exact is { IsZero: true }: return null;
            default:
                return s_complex.TryGetValue(name, out var function) ? (name == "exp"
                    ? MathValue.Nonzero(function(x.Approximate)) : MathValue.Finite(function(x.Approximate))) : null;
        }
    }

    private static MathValue Negative(MathValue x) => MathValue.Multiply(x, MathValue.Of(-1))!.Value;

    private static MathValue? Floor(MathValue x)
    {
        if (x.Exact is { } exact) return Rational.Of(exact.Floor(), 1) is { } whole ? MathValue.Of(whole) : null;
        if (Math.Abs(x.Approximate.Imaginary) > 1e-12 || Math.Abs(x.Approximate.Real) > 1e15) return null;
        // An irrational result this near to a whole number is that number, with rounding.
        var nearest = Math.Round(x.Approximate.Real);
        var floor = Math.Abs(x.Approximate.Real - nearest) < 1e-10 ? nearest : Math.Floor(x.Approximate.Real);
        return Rational.Of(new BigInteger(floor), 1) is { } value ? MathValue.Of(value) : null;
    }

    // n!, by the gamma function between the whole numbers, so that (n + 1)!/n! is n + 1 at any n.
    private static MathValue? Factorial(MathValue x)
    {
        if (x.Exact is not { } exact)
            return x.Approximate.Imaginary == 0 ? MathValue.Finite(Gamma(x.Approximate.Real + 1)) : null;
        if (!exact.IsInteger) return MathValue.Finite(Gamma(exact.ToDouble() + 1));
        if (exact.Sign < 0 || exact.Numerator > MaximumFactorial) return null;
        var product = BigInteger.One;
        for (var i = 2; i <= (int)exact.Numerator; i++) product *= i;
        return Rational.Of(product, 1) is { } value ? MathValue.Of(value) : null;
    }

    private static MathValue? Binomial(MathValue n, MathValue k) =>
        Factorial(n) is { } top && Factorial(k) is { } chosen && MathValue.Add(n, Negative(k)) is { } rest
            && Factorial(rest) is { } left
            && MathValue.Multiply(chosen, left) is { } bottom
            && MathValue.Power(bottom, MathValue.Of(-1)) is { } inverse ? MathValue.Multiply(top, inverse) : null;

    // Stirling's series, shifted to where six terms of it are exact to double precision.
    private static double Gamma(double x)
    {
        if (x < 0.5) return Math.PI / (Math.Sin(Math.PI * x) * Gamma(1 - x));
        var shift = 1.0;
        for (; x < 15; x++) shift *= x;
        var square = 1 / (x * x);
        var series =
            (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188)))) / x;
        return Math.Exp((x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI) + series) / shift;
    }
}
