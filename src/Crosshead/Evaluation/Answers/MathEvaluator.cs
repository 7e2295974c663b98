using System.Numerics;

namespace Crosshead.Evaluation.Answers;

/// <summary>
/// The value of an expression with its variables at one of several fixed points. Equal expressions have equal values at
/// all points. Different expressions of the functions here do not.
/// </summary>
internal sealed class MathEvaluator
{
    /// <summary>How many points there are.</summary>
    public const int Points = 8;

    // Maximum cost of big numbers in one evaluation, in products of machine words.
    private const long Budget = 20_000_000;

    private static readonly int[] s_primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67,
        71, 73, 79, 83, 89, 97];

    private readonly Dictionary<string, Rational> _variables = [];
    private long _spent;

    /// <summary>
    /// An evaluator at one point: each of the names gets a fraction of its own, all above 0 and below 50.
    /// </summary>
    public MathEvaluator(IEnumerable<string> names, int point)
    {
        var index = 0;
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            _variables[name] = Rational.Of(s_primes[(11 * index + 7 * point + 3) % s_primes.Length],
                s_primes[(index + point) % 8])!.Value;
            index++;
        }
    }

    /// <summary>The names of the variables in an expression; constants are none.</summary>
    public static IEnumerable<string> Variables(MathNode node) =>
        node.All().Where(n => n.Head == MathHead.Symbol && Constant(n.Text) is null).Select(n => n.Text).Distinct();

    /// <summary>The value, or null if there is none (division by zero, words, numbers too large).</summary>
    public MathValue? Evaluate(MathNode node)
    {
        switch (node.Head)
        {
            case MathHead.Number: return Counted(MathValue.Of(node.Value));
            case MathHead.Symbol:
                return _variables.TryGetValue(node.Text, out var value) ? MathValue.Of(value) : Constant(node.Text);
            case MathHead.Add: return Fold(node, MathValue.Add);
            case MathHead.Multiply: return Fold(node, MathValue.Multiply);
            case MathHead.Power: return Two(node, MathValue.Power);
            case MathHead.Root: return Two(node, MathValue.Root);
            case MathHead.Percent:
                return Evaluate(node.Arguments[0]) is { } whole
                    ? MathValue.Multiply(whole, MathValue.Of(Rational.Of(1, 100)!.Value)) : null;
            case MathHead.Degree: return Evaluate(node.Arguments[0]);
            case MathHead.Function: return Function(node);
            default: return null;
        }
    }

    private static MathValue? Constant(string name) => name switch
    {
        @"\pi" => MathValue.Finite(Math.PI),
        "e" => MathValue.Finite(Math.E),
        "i" => MathValue.Finite(Complex.ImaginaryOne),
        _ => null,
    };

    private MathValue? Fold(MathNode node, Func<MathValue, MathValue, MathValue?> operation)
    {
        var total = Evaluate(node.Arguments[0]);
        foreach (var argument in node.Arguments.Skip(1))
            total = total is { } left && Evaluate(argument) is { } right ? Counted(operation(left, right)) : null;
        return total;
    }

    private MathValue? Two(MathNode node, Func<MathValue, MathValue, MathValue?> operation) =>
        Evaluate(node.Arguments[0]) is { } left && Evaluate(node.Arguments[1]) is { } right
        ? Counted(operation(left, right)) : null;

    private MathValue? Function(MathNode node)
    {
        var arguments = new List<MathValue>();
        foreach (var argument in node.Arguments)
        {
            if (Evaluate(argument) is not { } value) return null;
            // sin 30° is sin(pi/6); elsewhere 30° is the number 30.
            if (argument.Head == MathHead.Degree)
                value = MathValue.Finite(value.Approximate * (Math.PI / 180)) ?? value;
            arguments.Add(value);
        }
        return Counted(MathFunctions.Apply(node.Text, arguments));
    }

    private MathValue? Counted(MathValue? result)
    {
        if (result?.Exact is { } exact)
        {
            var words = (exact.Numerator.GetBitLength() + exact.Denominator.GetBitLength()) / 32 + 1;
            _spent += words * words;
        }
        return _spent > Budget ? null : result;
    }
}
