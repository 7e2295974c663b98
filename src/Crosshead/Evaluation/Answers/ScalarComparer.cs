namespace Crosshead.Evaluation.Answers;

/// <summary>Compares expressions by their values.</summary>
internal static class ScalarComparer
{
    // At fewer points an agreement of expressions with variables may be chance.
    private const int FewestPoints = 3;

    /// <summary>Whether both expressions have the same value at every point at which one of them has a value.</summary>
    public static bool AreEqual(MathNode a, MathNode b)
    {
        var names = MathEvaluator.Variables(a).Union(MathEvaluator.Variables(b)).ToArray();
        var (points, rounded) = (names.Length == 0 ? 1 : MathEvaluator.Points, IsDecimal(a) != IsDecimal(b));
        var compared = 0;
        for (var point = 0; point < points; point++)
        {
            var (x, y) = (new MathEvaluator(names, point).Evaluate(a), new MathEvaluator(names, point).Evaluate(b));
            if (x is { } left && y is { } right && MathValue.AreEqual(left, right, rounded)) compared++;
            else if (x is not null || y is not null) return false;
        }
        return compared >= Math.Min(points, FewestPoints);
    }

    /// <summary>
    /// Whether the two equations <c>a = 0</c> and <c>b = 0</c> are equal: whether the expressions have the same ratio
    /// everywhere.
    /// </summary>
    public static bool AreProportional(MathNode a, MathNode b)
    {
        var names = MathEvaluator.Variables(a).Union(MathEvaluator.Variables(b)).ToArray();
        if (names.Length == 0) return false;
        var rounded = IsDecimal(a) != IsDecimal(b);
        (MathValue A, MathValue B)? first = null;
        var compared = 0;
        for (var point = 0; point < MathEvaluator.Points; point++)
        {
            if (new MathEvaluator(names, point).Evaluate(a) is not { } x
                || new MathEvaluator(names, point).Evaluate(b) is not { } y)
                continue;
            if (IsZero(x) || IsZero(y)) return false;
            first ??= (x, y);
            if (MathValue.Multiply(x, first.Value.B) is not { } left
                || MathValue.Multiply(y, first.Value.A) is not { } right || !MathValue.AreEqual(left, right, rounded))
                return false;
            compared++;
        }
        return compared >= FewestPoints;
    }

    // No point solves a meaningful equation, except by coincidence.
    private static bool IsZero(MathValue value) => value.Exact is { IsZero: true } || value.Approximate == 0;

    private static bool IsDecimal(MathNode node) => node.All().Any(n => n.IsDecimal);
}
