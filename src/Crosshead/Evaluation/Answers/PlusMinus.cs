namespace Crosshead.Evaluation.Answers;

/// <summary>Answers with plus or minus, which mean two answers each.</summary>
internal static class PlusMinus
{
    /// <summary>
    /// Whether the sign makes two of the whole answer. This is not so for a set or list, whose items are two each.
    /// </summary>
    public static bool Has(MathNode node) =>
        node.Head is not (MathHead.Set or MathHead.List)
        && node.All().Any(n => n.Head is MathHead.PlusMinus or MathHead.MinusPlus);

    /// <summary>The two answers; a set's or list's items; or the answer alone.</summary>
    public static IReadOnlyList<MathNode> Alternatives(MathNode node) =>
        Has(node) ? [With(node, MathHead.MinusPlus), With(node, MathHead.PlusMinus)]
        : node.Head is MathHead.Set or MathHead.List ? [.. node.Arguments.SelectMany(Alternatives)]
        : [node];

    private static MathNode With(MathNode node, MathHead negative) => node.Replace(n =>
        n.Head is not (MathHead.PlusMinus or MathHead.MinusPlus) ? null
        : n.Head == negative ? MathNode.Negative(With(n.Arguments[0], negative)) : With(n.Arguments[0], negative));
}
