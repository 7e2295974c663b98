namespace Crosshead.Text.Jinja;

/// <summary>An expression, ready to be computed.</summary>
internal delegate object? JinjaExpression(JinjaScope scope);

/// <summary>
/// Turns the tokens of expressions into functions, in Jinja's order of precedence, the loosest first;
/// <c>JinjaExpressionParser.Values.cs</c> has what binds tightest.
/// </summary>
internal sealed partial class JinjaExpressionParser(IReadOnlyList<JinjaToken> tokens)
{
    // Deeper expressions than this are no chat templates; each level takes a dozen frames of the stack.
    private const int MaximumDepth = 100;
    private const int MaximumChain = 1_000;

    private int _at;
    private int _depth;

    /// <summary>The token that is read next.</summary>
    public JinjaToken Next => tokens[_at];

    /// <summary>Returns the next token and moves past it.</summary>
    public JinjaToken Take() => Next.Kind == JinjaTokenKind.End ? throw Unexpected("more") : tokens[_at++];

    /// <summary>Whether the next token is this operator or word. If so, moves past it.</summary>
    public bool Accept(string text)
    {
        if (!Is(text)) return false;
        _at++;
        return true;
    }

    /// <summary>Moves past this operator or word, or fails.</summary>
    public void Expect(string text)
    {
        if (!Accept(text)) throw Unexpected($"'{text}'");
    }

    /// <summary>Moves past a token of this kind, or fails.</summary>
    public string Expect(JinjaTokenKind kind, string what) =>
        Next.Kind == kind ? tokens[_at++].Text : throw Unexpected(what);

    /// <summary>An expression, or a tuple if commas follow.</summary>
    public JinjaExpression Tuple(bool conditional = true)
    {
        var first = conditional ? Expression() : Or();
        if (!Is(",")) return first;
        var items = new List<JinjaExpression> { first };
        while (Accept(",") && StartsExpression()) items.Add(conditional ? Expression() : Or());
        return scope => items.Select(item => item(scope)).ToArray();
    }

    /// <summary><c>a if condition else b</c></summary>
    public JinjaExpression Expression()
    {
        if (++_depth > MaximumDepth)
            throw new JinjaException($"expressions nest more than {MaximumDepth} deep", Next.Line);
        var value = Or();
        if (Accept("if"))
        {
            var (then, condition) = (value, Or());
            var otherwise = Accept("else") ? Expression() : _ => new JinjaUndefined("the inline if has no else");
            value = scope => JinjaValue.IsTrue(condition(scope)) ? then(scope) : otherwise(scope);
        }
        _depth--;
        return value;
    }

    private JinjaExpression Or() =>
        Chain(And, ["or"], (_, a, b) => scope => a(scope) is var left && JinjaValue.IsTrue(left) ? left : b(scope));

    private JinjaExpression And() =>
        Chain(Not, ["and"], (_, a, b) => scope => a(scope) is var left && !JinjaValue.IsTrue(left) ? left : b(scope));

    private JinjaExpression Not()
    {
        var negations = 0;
        while (Accept("not")) negations++;
        var value = Comparison();
        return negations == 0 ? value : negations % 2 == 1 ? scope => !JinjaValue.IsTrue(value(scope))
            : scope => JinjaValue.IsTrue(value(scope));
    }

    // a < b < c compares each two neighbours.
    private JinjaExpression Comparison()
    {
        var first = Sum();
        var rest = new List<(string Sign, JinjaExpression Value)>();
        while (true)
        {
            if (Next.Kind == JinjaTokenKind.Operator && Next.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
                rest.Add((Take().Text, Sum()));
            else if (Accept("in")) rest.Add(("in", Sum()));
            else if (Is("not") && tokens[_at + 1] is { Kind: JinjaTokenKind.Name, Text: "in" })
            {
                _at += 2;
                rest.Add(("not in", Sum()));
            }
            else break;
        }
        return rest.Count == 0 ? first : scope =>
        {
            var left = first(scope);
            foreach (var (sign, value) in rest)
            {
                var right = value(scope);
                if (!JinjaOperators.Holds(sign, left, right, scope.Budget)) return false;
                left = right;
            }
            return true;
        };
    }

    private JinjaExpression Sum() => Chain(Concatenation, ["+", "-"], Arithmetic);

    private JinjaExpression Concatenation() => Chain(Product, ["~"], Arithmetic);

    private JinjaExpression Product() => Chain(Power, ["*", "/", "//", "%"], Arithmetic);

    private JinjaExpression Power() => Chain(() => Unary(filters: true), ["**"], Arithmetic);

    private static JinjaExpression Arithmetic(string sign, JinjaExpression a, JinjaExpression b) =>
        scope => JinjaOperators.Apply(sign, a(scope), b(scope), scope.Budget);

    // Operators of one precedence, from the left.
    private JinjaExpression Chain(Func<JinjaExpression> operand, string[] signs,
        Func<string, JinjaExpression, JinjaExpression, JinjaExpression> combine)
    {
        var value = operand();
        for (var length = 0; signs.FirstOrDefault(Is) is { } sign; length++)
        {
            if (length == MaximumChain)
                throw new JinjaException($"more than {MaximumChain} operators in a row", Next.Line);
            _at++;
            value = combine(sign, value, operand());
        }
        return value;
    }

    private JinjaExpression Unary(bool filters)
    {
        JinjaExpression value;
        if (Is("-") || Is("+"))
        {
            if (++_depth > MaximumDepth)
                throw new JinjaException($"expressions nest more than {MaximumDepth} deep", Next.Line);
            var negative = Take().Text == "-";
            var operand = Unary(filters: false);
            _depth--;
            value = scope => JinjaOperators.Signed(operand(scope), negative, scope.Budget);
        }
        else
        {
            value = Postfix(Primary());
        }
        return filters ? Filters(value) : value;
    }

    /// <summary>Filters, tests and calls behind a value: <c>|trim</c>, <c>is defined</c>.</summary>
    public JinjaExpression Filters(JinjaExpression value)
    {
        for (var length = 0; length < MaximumChain; length++)
        {
            if (Accept("|"))
            {
                value = Filtered(value);
            }
            else if (Accept("is"))
            {
                value = Test(value);
            }
            else if (Is("("))
            {
                value = Call(value);
            }
            else return value;
        }
        throw new JinjaException($"more than {MaximumChain} filters in a row", Next.Line);
    }

    /// <summary>A value behind the filter that is named next.</summary>
    public JinjaExpression Filtered(JinjaExpression value)
    {
        var filter = Named(JinjaFilters.Get, "the name of a filter");
        var arguments = Is("(") ? Arguments() : scope => new JinjaCall([], [], scope.Budget);
        return scope => filter(value(scope), arguments(scope));
    }

    private JinjaExpression Test(JinjaExpression value)
    {
        var negated = Accept("not");
        var test = Named(JinjaPredicates.Get, "the name of a test");
        Func<JinjaScope, JinjaCall> arguments = scope => new JinjaCall([], [], scope.Budget);
        if (Next.Kind == JinjaTokenKind.Name && Next.Text is "is" or "if" or "not" or "in")
            throw Unexpected("an argument of the test or an operator");
        if (Is("(")) arguments = Arguments();
        else if (Next.Kind is JinjaTokenKind.String or JinjaTokenKind.Integer or JinjaTokenKind.Float || Is("[")
            || Is("{") || (Next.Kind == JinjaTokenKind.Name && Next.Text is not ("else" or "or" or "and")))
        {
            var argument = Postfix(Primary());
            arguments = scope => new JinjaCall([argument(scope)], [], scope.Budget);
        }
        return scope => JinjaValue.IsTrue(test(value(scope), arguments(scope))) != negated;
    }

    // A filter's or test's name is known when the template is read.
    private T Named<T>(Func<string, T> find, string what)
    {
        var line = Next.Line;
        try
        {
            return find(Expect(JinjaTokenKind.Name, what));
        }
        catch (JinjaException e) when (e.Line is null)
        {
            throw new JinjaException(e.Message, line);
        }
    }

    private bool Is(string text) => Next.Kind is JinjaTokenKind.Operator or JinjaTokenKind.Name && Next.Text == text;

    private bool StartsExpression() =>
        Next.Kind is JinjaTokenKind.Name or JinjaTokenKind.String or JinjaTokenKind.Integer or JinjaTokenKind.Float
        ? !(Next.Kind == JinjaTokenKind.Name && Next.Text is "if" or "recursive" or "in")
        : Is("(") || Is("[") || Is("{") || Is("-");

    private JinjaException Unexpected(string wanted)
    {
        var found = Next.Kind switch
        {
            JinjaTokenKind.OutputEnd => "'}}'",
            JinjaTokenKind.BlockEnd => "'%}'",
            JinjaTokenKind.End => "the template's end",
            JinjaTokenKind.Text => "text",
            _ => $"'{Next.Text.Shown()}'",
        };
        return new JinjaException($"{found} stands where {wanted} is expected", Next.Line);
    }
}
