namespace Crosshead.Evaluation.Answers;

/// <summary>
/// Reads an answer's tokens into a tree by recursive descent: lists, relations, sets, brackets and matrices.
/// <see cref="MathTermParser"/> reads the arithmetic in them.
/// </summary>
internal sealed class MathParser
{
    private readonly MathTokens _tokens;
    private readonly MathTermParser _terms;

    private MathParser(IEnumerable<MathToken> tokens)
    {
        _tokens = new MathTokens(tokens);
        _terms = new MathTermParser(_tokens, this);
    }

    /// <summary>The tree, or null if the tokens are not a mathematical answer.</summary>
    public static MathNode? Parse(IReadOnlyList<MathToken> tokens)
    {
        try
        {
            var parser = new MathParser(tokens);
            var items = parser.Items();
            return parser._tokens.Next.Kind != MathTokenKind.End || items.Count == 0 ? null : items.Count == 1
                ? items[0] : MathNode.Of(MathHead.List, items);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The parts of a list, none where a bracket closes at once.</summary>
    // relation {("," | ";") relation}; "1, 2, and 3" has two separators in a row.
    public List<MathNode> Items()
    {
        var items = new List<MathNode>();
        while (true)
        {
            while (_tokens.Accept(",") || _tokens.Accept(";")) { }
            if (_tokens.Next.Kind == MathTokenKind.End || _tokens.AtCloser) return items;
            items.Add(Relation());
            if (!_tokens.Next.Is(",") && !_tokens.Next.Is(";")) return items;
        }
    }

    // ["="] union {("=" | "<" | ...) union}
    private MathNode Relation()
    {
        _ = _tokens.Accept("=");
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
        if (_tokens.Next.Kind is not (MathTokenKind.Symbol or MathTokenKind.Command)
            || _tokens.Next.Text is not ("=" or "<" or ">" or @"\le" or @"\ge" or @"\ne" or @"\in"))
            return null;
        var sign = _tokens.Take().Text;
        return sign is "<" or ">" && _tokens.Accept("=") ? sign == "<" ? @"\le" : @"\ge" : sign;
    }

    // quantity {("\cup" | "\cap" | "\setminus") quantity}
    private MathNode Combination()
    {
        var left = Quantity();
        while (_tokens.Next.Is(@"\cup") || _tokens.Next.Is(@"\cap") || _tokens.Next.Is(@"\setminus"))
        {
            var sign = _tokens.Take().Text;
            var right = Quantity();
            left = left.Head == MathHead.Combination && left.Text == sign && sign != @"\setminus"
                ? left with { Arguments = [.. left.Arguments, right] }
                : new MathNode(MathHead.Combination, sign, [left, right]);
        }
        return left;
    }

    // sum [unit ["^" power]]
    private MathNode Quantity()
    {
        var node = _terms.Sum();
        if (_tokens.Next.Kind != MathTokenKind.Text || node.Head == MathHead.Words) return node;
        var unit = _tokens.Take().Text;
        if (_tokens.Accept("^")) unit += $"^{_terms.Argument().Value.Numerator}";
        return unit.StartsWith("percent", StringComparison.Ordinal) ? MathNode.Of(MathHead.Percent, node)
            : new MathNode(MathHead.Unit, unit, [node]);
    }

    /// <summary>What stands in round or square brackets: a group, a tuple or an interval.</summary>
    // "(" items (")" | "]"), "[" items (")" | "]"): a group where there is one item and the brackets match.
    public MathNode Bracket()
    {
        var open = _tokens.Take().Text;
        var items = Items();
        var close = _tokens.Accept(")") ? ")" : _tokens.Accept("]") ? "]" : throw _tokens.Unexpected();
        return items.Count == 1 && open + close is "()" or "[]" ? items[0]
            : items.Count > 1 ? new MathNode(MathHead.Tuple, open + close, items)
            : throw _tokens.Unexpected();
    }

    /// <summary>A set in braces.</summary>
    public MathNode Braces()
    {
        _tokens.Skip();
        var items = Items();
        _tokens.Expect(@"\}");
        return MathNode.Of(MathHead.Set, items);
    }

    /// <summary>A vector in angle brackets.</summary>
    public MathNode Angle()
    {
        _tokens.Skip();
        var items = Items();
        _tokens.Expect(@"\rangle");
        return new MathNode(MathHead.Tuple, "<>", items);
    }

    /// <summary>A matrix, or its determinant.</summary>
    // \begin{pmatrix} a & b \\ c & d \end{pmatrix}, and the other environments of rows.
    public MathNode Matrix()
    {
        var name = Environment(@"\begin");
        if (!name.TrimEnd('*').EndsWith("matrix", StringComparison.Ordinal) && name != "array")
            throw _tokens.Unexpected();
        if (name == "array" && _tokens.Next.Is("{"))
            while (!_tokens.Accept("}"))
                _tokens.Skip(_tokens.Next.Kind == MathTokenKind.End ? throw _tokens.Unexpected() : 1);
        var rows = new List<List<MathNode>> { new() };
        while (!_tokens.Next.Is(@"\end"))
        {
            rows[^1].Add(Relation());
            if (_tokens.Accept("&")) continue;
            if (!_tokens.Accept(@"\\")) break;
            if (!_tokens.Next.Is(@"\end")) rows.Add([]);
        }
        if (Environment(@"\end") != name || rows.Any(row => row.Count != rows[0].Count) || rows[0].Count == 0)
            throw _tokens.Unexpected();
        var matrix = new MathNode(MathHead.Matrix, rows[0].Count.ToString(), [.. rows.SelectMany(row => row)]);
        return name == "vmatrix" ? MathNode.Function("det", matrix) : matrix;
    }

    // \begin{name} or \end{name}
    private string Environment(string command)
    {
        _tokens.Expect(command);
        _tokens.Expect("{");
        var name = "";
        while (!_tokens.Accept("}"))
            name += _tokens.Next.Kind == MathTokenKind.End ? throw _tokens.Unexpected() : _tokens.Take().Text;
        return name;
    }
}
