namespace Crosshead.Evaluation.Answers;

/// <summary>
/// Compares equations and inequalities with each other, and with the values that they give a name: <c>x = 5</c> with 5,
/// <c>-2 \le x &lt; 7</c> with <c>[-2, 7)</c>.
/// </summary>
internal static class RelationComparer
{
    private static readonly MathNode s_infinity = MathNode.Symbol(@"\infty");

    /// <summary>Whether the two are equal; at least one of them is a relation.</summary>
    public static bool AreEqual(MathNode a, MathNode b)
    {
        if (a.Head != b.Head)
        {
            var (relation, other) = a.Head == MathHead.Relation ? (a, b) : (b, a);
            return Definition(relation) is { } said && AnswerComparer.AreEqual(said.Value, other);
        }
        return (Definition(a) is { } x && Definition(b) is { } y && x.Name == y.Name
            && AnswerComparer.AreEqual(x.Value, y.Value))
            || (a.Text == b.Text
                && a.Arguments.Zip(b.Arguments).All(sides => AnswerComparer.AreEqual(sides.First, sides.Second)))
            || (a.Text == "=" && b.Text == "=" && ScalarComparer.AreProportional(Difference(a), Difference(b)));
    }

    private static MathNode Difference(MathNode equation) =>
        MathNode.Of(MathHead.Add, equation.Arguments[0], MathNode.Negative(equation.Arguments[1]));

    // The value or the set that a relation gives a name.
    private static (string Name, MathNode Value)? Definition(MathNode relation)
    {
        var (signs, sides) = (relation.Text.Split(' '), relation.Arguments);
        if (signs.All(sign => sign == "="))
            return Name(sides[0]) is { } first ? (first, sides[^1]) : signs.Length == 1 && Name(sides[1]) is { } second
                ? (second, sides[0]) : null;
        if (signs is [@"\in"]) return Name(sides[0]) is { } element ? (element, sides[1]) : null;
        return Interval(signs, sides);
    }

    private static (string Name, MathNode Value)? Interval(string[] signs, IReadOnlyList<MathNode> sides)
    {
        if (signs.All(sign => sign is ">" or @"\ge"))
            (signs, sides) = ([.. signs.Reverse().Select(sign => sign == ">" ? "<" : @"\le")], [.. sides.Reverse()]);
        if (!signs.All(sign => sign is "<" or @"\le")) return null;
        if (signs.Length == 2)
            return Name(sides[1]) is { } middle ? (middle, Between(sides[0], signs[0], signs[1], sides[2])) : null;
        if (signs.Length != 1) return null;
        return Name(sides[0]) is { } small ? (small, Between(MathNode.Negative(s_infinity), "<", signs[0], sides[1]))
            : Name(sides[1]) is { } large ? (large, Between(sides[0], signs[0], "<", s_infinity))
            : null;
    }

    private static MathNode Between(MathNode low, string lowSign, string highSign, MathNode high) =>
        new(MathHead.Tuple, (lowSign == "<" ? "(" : "[") + (highSign == "<" ? ")" : "]"), [low, high]);

    // x, x_1, f(x), AB, (x, y), \text{Area}; constants and numbers are no names.
    private static string? Name(MathNode node) => node.Head switch
    {
        MathHead.Symbol => MathEvaluator.Variables(node).Any() ? node.Text : null,
        MathHead.Words => node.Text,
        MathHead.Multiply or MathHead.Tuple
            when node.Arguments.All(part => Name(part) is not null) => string.Join(' ', node.Arguments.Select(Name)),
        _ => null,
    };
}
