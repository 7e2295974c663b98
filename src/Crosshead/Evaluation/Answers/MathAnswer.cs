namespace Crosshead.Evaluation.Answers;

/// <summary>
/// Whether two final answers are mathematically the same, as the graders of MATH, OlympiadBench and Qwen2.5-Math mean
/// it: written in LaTeX or plainly, simplified or not. What cannot be read as mathematics is compared as text.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Fractions, whole numbers and finite decimals are compared exactly. A decimal also equals a value that has no
/// finite decimals (1/3, sqrt 2) within a relative <see cref="DecimalTolerance"/>; irrational values are compared in
/// double precision.</item>
/// <item>Expressions in variables are equal if they are at several fixed points; variables are matched by name.</item>
/// <item>10% equals 0.1 and also 10, as a percent sign is often left away; 10 and 0.1 are not equal (Qwen2.5-Math says
/// they are).</item>
/// <item>Units and degree signs that one answer lacks are ignored; two known units must agree. <c>x = 5</c> equals
/// <c>5</c>.</item>
/// <item>Sets and plain lists have no order, points and intervals have one; <c>1, 2</c> also equals the point
/// <c>(1, 2)</c>.</item>
/// <item>Digits with a base, <c>204_5</c>, equal only the same digits in the same base.</item>
/// </list>
/// </remarks>
public static class MathAnswer
{
    /// <summary>
    /// The maximum relative difference between a rounded decimal and a value without finite decimals.
    /// </summary>
    public const double DecimalTolerance = 1e-6;

    /// <summary>Longer answers, in characters, are compared as text only.</summary>
    public const int MaximumLength = 2_000;

    /// <summary>
    /// Whether <paramref name="given"/> is the same answer as <paramref name="expected"/>. Symmetric, never throws for
    /// any text, and takes bounded time. An empty answer equals nothing.
    /// </summary>
    public static bool AreEqual(string expected, string given)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(given);
        if (Math.Max(expected.Length, given.Length) > MaximumLength) return expected.Trim() == given.Trim();
        var (first, second) = (MathTokenizer.Read(expected), MathTokenizer.Read(given));
        if (first.Count == 0 || second.Count == 0) return false;
        return first.SequenceEqual(second)
            || (WordAnswer.AreEqual(first, second) ?? MathParser.Parse(first) is { } a
                && MathParser.Parse(second) is { } b && AnswerComparer.AreEqual(a, b));
    }
}
