namespace Crosshead.Evaluation.Answers;

/// <summary>
/// Compares two answers by what they are: collections by their items, quantities by value and unit, numbers by value.
/// </summary>
internal static class AnswerComparer
{
    // Lists without an order cost the square of their length.
    private const int MaximumItems = 100;

    public static bool AreEqual(MathNode a, MathNode b)
    {
        if (PlusMinus.Has(a) || PlusMinus.Has(b))
            return AreSameItems(PlusMinus.Alternatives(a), PlusMinus.Alternatives(b));
        if (a.Head == MathHead.Relation || b.Head == MathHead.Relation) return RelationComparer.AreEqual(a, b);
        if (a.Head == MathHead.Unit || b.Head == MathHead.Unit)
            return !(a.Head == b.Head && Units.Differ(a.Text, b.Text))
                && AreEqual(Inner(a, MathHead.Unit), Inner(b, MathHead.Unit));
        if (a.Head == MathHead.Percent || b.Head == MathHead.Percent)
            return AreEqual(Inner(a, MathHead.Percent), Inner(b, MathHead.Percent))
                || (a.Head != b.Head && ScalarComparer.AreEqual(a, b));
        (a, b) = (ScaledMatrix(a), ScaledMatrix(b));
        return (a.Head, b.Head) switch
        {
            (MathHead.Based, MathHead.Based) or (MathHead.Words, MathHead.Words) =>
                string.Equals(Text(a), Text(b), StringComparison.OrdinalIgnoreCase),
            (MathHead.Tuple, MathHead.Tuple) => a.Text == b.Text && AreItemwise(a, b),
            (MathHead.Tuple, MathHead.List) => a.Text == "()" && AreItemwise(a, b),
            (MathHead.List, MathHead.Tuple) => b.Text == "()" && AreItemwise(a, b),
            (MathHead.Matrix, MathHead.Matrix) => a.Text == b.Text && AreItemwise(a, b),
            (MathHead.Combination, MathHead.Combination) => a.Text == b.Text
                && (a.Text == @"\setminus" ? AreItemwise(a, b) : AreSameItems(a.Arguments, b.Arguments)),
            (MathHead.List or MathHead.Set, _) or (_, MathHead.List or MathHead.Set) =>
                AreSameItems(Items(a), Items(b)),
            _ => ScalarComparer.AreEqual(a, b),
        };
    }

    private static MathNode Inner(MathNode node, MathHead head) => node.Head == head ? node.Arguments[0] : node;

    // A lone number is the set or the list of it.
    private static IReadOnlyList<MathNode> Items(MathNode node) =>
        node.Head is MathHead.List or MathHead.Set
        ? [.. node.Arguments.SelectMany(item => PlusMinus.Has(item) ? PlusMinus.Alternatives(item) : [item])] : [node];

    private static string Text(MathNode node) =>
        string.Join('_', node.Arguments.Select(argument => argument.Text).Prepend(node.Text));

    private static bool AreItemwise(MathNode a, MathNode b) =>
        a.Arguments.Count == b.Arguments.Count
        && a.Arguments.Zip(b.Arguments).All(pair => AreEqual(pair.First, pair.Second));

    // Each item of one has a partner of its own in the other.
    private static bool AreSameItems(IReadOnlyList<MathNode> first, IReadOnlyList<MathNode> second)
    {
        if (first.Count != second.Count || first.Count > MaximumItems) return false;
        var free = second.ToList();
        return first.All(item => free.FindIndex(other => AreEqual(item, other)) is >= 0 and var at && Remove(free, at));
    }

    private static bool Remove(List<MathNode> items, int at)
    {
        items.RemoveAt(at);
        return true;
    }

    // A number times a matrix is the matrix of its multiples.
    private static MathNode ScaledMatrix(MathNode node)
    {
        if (node.Head != MathHead.Multiply || node.Arguments.Count(factor => factor.Head == MathHead.Matrix) != 1)
            return node;
        var matrix = node.Arguments.First(factor => factor.Head == MathHead.Matrix);
        var factors = node.Arguments.Where(factor => factor != matrix).ToArray();
        return matrix with
        {
            Arguments = [.. matrix.Arguments.Select(entry => MathNode.Of(MathHead.Multiply, [.. factors, entry]))],
        };
    }
}
