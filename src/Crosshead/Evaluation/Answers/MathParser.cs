namespace Crosshead.Evaluation.Answers;

/// <summary>
/// Reads an answer's tokens into a tree by recursive descent. This file has what answers are made of, lists, relations, sets,
/// brackets and matrices; <c>MathParser.Terms.cs</c> has arithmetic.
/// </summary>
internal sealed partial class MathParser
{
    private const int MaximumDepth = 60;

    private readonly List<MathToken> _tokens;
    private int _at;
    private int _depth;

    private MathParser(IEnumerable<MathToken> tokens) => _tokens = [.. tokens, new MathToken(MathTokenKind.End, "")];

    private MathToken Next => _tokens[_at];

    /// <summary>The tree, or null if the tokens are not a mathematical answer.</summary>
    public static MathNode? Parse(IReadOnlyList<MathToken> tokens)
    {
        try
        {
            var parser = new MathParser(tokens);
            var items = parser.Items();
            return parser.Next.Kind != MathTokenKind.End || items.Count == 0 ? null : items.Count == 1 ? items[0] : MathNode.Of(MathHead.List, items);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    // relation {("," | ";") relation}; "1, 2, and 3" has two separators in a row.
    private List<MathNode> Items()
    {
        var items = new List<MathNode>();
        while (true)
        {
            while (Accept(",") || Accept(";")) { }
            if (Next.Kind == MathTokenKind.End || IsCloser(Next)) return items;
            items.Add(Relation());
            if (!Next.Is(",") && !Next.Is(";")) return items;
        }
    }

    // ["="] union {("=" | "<" | ...) union}
    private MathNode Relation()
    {
        _ = Accept("=");
        var sides = new List<MathNode> { Combination() };
        var relations = new List<string>();
        while (RelationSign() is { } sign)
        {
            relations.Add(sign);
            sides.Add(Combination());
        }
        return sides.Count == 1 ? sides[0] : new MathNode(MathHead.Relation, string.Join(' ', relations), sides);
    }

    private string? RelationSign()
    {
        if (Next.Kind is not (MathTokenKind.Symbol or MathTokenKind.Command) || Next.Text is not ("=" or "<" or ">" or @"\le" or @"\ge" or @"\ne" or @"\in")) return null;
        var sign = _tokens[_at++].Text;
        return sign is "<" or ">" && Accept("=") ? sign == "<" ? @"\le" : @"\ge" : sign;
    }

    // quantity {("\cup" | "\cap" | "\setminus") quantity}
    private MathNode Combination()
    {
        var left = Quantity();
        while (Next.Is(@"\cup") || Next.Is(@"\cap") || Next.Is(@"\setminus"))
        {
            var sign = _tokens[_at++].Text;
            var right = Quantity();
            left = left.Head == MathHead.Combination && left.Text == sign && sign != @"\setminus"
                ? left with { Arguments = [.. left.Arguments, right] } : new MathNode(MathHead.Combination, sign, [left, right]);
        }
        return left;
    }

    // sum [unit ["^" power]]
    private MathNode Quantity()
    {
        var node = Sum();
        if (Next.Kind != MathTokenKind.Text || node.Head == MathHead.Words) return node;
        var unit = _tokens[_at++].Text;
        if (Accept("^")) unit += $"^{Argument().Value.Numerator}";
        return unit.StartsWith("percent", StringComparison.Ordinal) ? MathNode.Of(MathHead.Percent, node) : new MathNode(MathHead.Unit, unit, [node]);
    }

    // "(" items (")" | "]"), "[" items (")" | "]"): a group where there is one item and the brackets match.
    private MathNode Bracket()
    {
        var open = _tokens[_at++].Text;
        var items = Items();
        var close = Accept(")") ? ")" : Accept("]") ? "]" : throw Unexpected();
        return items.Count == 1 && open + close is "()" or "[]" ? items[0]
            : items.Count > 1 ? new MathNode(MathHead.Tuple, open + close, items)
            : throw Unexpected();
    }

    private MathNode Braces()
    {
        _at++;
        var items = Items();
        Expect(@"\}");
        return MathNode.Of(MathHead.Set, items);
    }

    private MathNode Angle()
    {
        _at++;
        var items = Items();
        Expect(@"\rangle");
        return new MathNode(MathHead.Tuple, "<>", items);
    }

    // \begin{pmatrix} a & b \\ c & d \end{pmatrix}, and the other environments of rows.
    private MathNode Matrix()
    {
        var name = Environment(@"\begin");
        if (!name.TrimEnd('*').EndsWith("matrix", StringComparison.Ordinal) && name != "array") throw Unexpected();
        if (name == "array" && Next.Is("{"))
            while (!Accept("}")) _at += Next.Kind == MathTokenKind.End ? throw Unexpected() : 1;
        var rows = new List<List<MathNode>> { new() };
        while (!Next.Is(@"\end"))
        {
            rows[^1].Add(Relation());
            if (Accept("&")) continue;
            if (!Accept(@"\\")) break;
            if (!Next.Is(@"\end")) rows.Add([]);
        }
        if (Environment(@"\end") != name || rows.Any(row => row.Count != rows[0].Count) || rows[0].Count == 0) throw Unexpected();
        var matrix = new MathNode(MathHead.Matrix, rows[0].Count.ToString(), [.. rows.SelectMany(row => row)]);
        return name == "vmatrix" ? MathNode.Function("det", matrix) : matrix;
    }

    // \begin{name} or \end{name}
    private string Environment(string command)
    {
        Expect(command);
        Expect("{");
        var name = "";
        while (!Accept("}")) name += Next.Kind == MathTokenKind.End ? throw Unexpected() : _tokens[_at++].Text;
        return name;
    }

    private static bool IsCloser(MathToken token) => token.Is(")") || token.Is("]") || token.Is(@"\}") || token.Is("}") || token.Is(@"\rangle");

    private bool Accept(string text)
    {
        if (!Next.Is(text)) return false;
        _at++;
        return true;
    }

    private void Expect(string text)
    {
        if (!Accept(text)) throw Unexpected();
    }

    private FormatException Unexpected() => new($"\"{Next.Text}\" is not expected here");
}
