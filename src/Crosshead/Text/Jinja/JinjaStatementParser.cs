using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>
/// Turns a template's tokens into functions, statement by statement; <c>JinjaStatementParser.Macros.cs</c> has macros.
/// </summary>
internal sealed partial class JinjaStatementParser(IReadOnlyList<JinjaToken> tokens)
{
    private const int MaximumDepth = 100;

    private readonly JinjaExpressionParser _parser = new(tokens);
    private int _depth;
    private bool _inLoop;

    /// <summary>The whole template.</summary>
    public JinjaStatement Template()
    {
        var (body, _) = Body("template", []);
        return body;
    }

    // Statements up to one of the words that end them; the word is left behind, the rest of its tag is not.
    private (JinjaStatement Body, string End) Body(string name, string[] ends)
    {
        if (++_depth > MaximumDepth)
            throw new JinjaException($"blocks nest more than {MaximumDepth} deep", _parser.Next.Line);
        var statements = new List<JinjaStatement>();
        while (true)
        {
            var token = _parser.Next;
            if (token.Kind == JinjaTokenKind.End)
            {
                if (ends.Length > 0)
                    throw new JinjaException(
                        $"a block {{% {name} %}} does not end; close it with {{% {ends[^1]} %}}", token.Line);
                break;
            }
            _parser.Take();
            if (token.Kind == JinjaTokenKind.Text)
            {
                statements.Add((_, output) =>
                {
                    output.Append(token.Text);
                    return JinjaFlow.Next;
                });
            }
            else if (token.Kind == JinjaTokenKind.OutputBegin)
            {
                var value = _parser.Tuple();
                _parser.Expect(JinjaTokenKind.OutputEnd, "'}}'");
                statements.Add(Located(token.Line, (scope, output) =>
                {
                    output.Append(JinjaValue.ToText(value(scope), scope.Budget));
                    return JinjaFlow.Next;
                }));
            }
            else
            {
                var word = _parser.Expect(JinjaTokenKind.Name, "a statement");
                if (ends.Contains(word))
                {
                    _depth--;
                    return (Sequence(statements), word);
                }
                statements.Add(Located(token.Line, Statement(word, token.Line)));
            }
        }
        _depth--;
        return (Sequence(statements), "");
    }

    private JinjaStatement Statement(string word, int line) => word switch
    {
        "if" => If(),
        "for" => For(),
        "set" => Set(),
        "macro" => Macro(),
        "filter" => Filter(),
        "generation" => Generation(),
        "break" or "continue" when !_inLoop =>
            throw new JinjaException($"{{% {word} %}} stands outside of a loop", line),
        "break" => Jump(JinjaFlow.Break),
        "continue" => Jump(JinjaFlow.Continue),
        _ => throw new JinjaException($"the statement {{% {word.Shown()} %}} is not known here; chat templates use if, "
            + $"for, set, macro, filter, generation, break and continue", line),
    };

    private JinjaStatement Jump(JinjaFlow flow)
    {
        EndTag();
        return (_, _) => flow;
    }

    private JinjaStatement If()
    {
        var branches = new List<(JinjaExpression? Condition, JinjaStatement Body)>();
        JinjaExpression? condition = _parser.Tuple();
        while (true)
        {
            EndTag();
            var (body, end) = Body("if", condition is null ? ["endif"] : ["elif", "else", "endif"]);
            branches.Add((condition, body));
            if (end == "endif") break;
            condition = end == "elif" ? _parser.Tuple() : null;
        }
        EndTag();
        return (scope, output) =>
        {
            foreach (var (test, body) in branches)
                if (test is null || JinjaValue.IsTrue(test(scope))) return body(scope, output);
            return JinjaFlow.Next;
        };
    }

    // {% for a, b in items if condition %} … {% else %} … {% endfor %}
    private JinjaStatement For()
    {
        var names = Names();
        if (names.Contains("loop"))
            throw new JinjaException("a loop's variable cannot be called 'loop'", _parser.Next.Line);
        _parser.Expect("in");
        var items = _parser.Tuple(conditional: false);
        var condition = _parser.Accept("if") ? _parser.Expression() : null;
        if (_parser.Accept("recursive"))
            throw new JinjaException("recursive loops are not supported in chat templates", _parser.Next.Line);
        EndTag();
        var (body, end) = Loop(true, () => Body("for", ["else", "endfor"]));
        JinjaStatement? otherwise = null;
        if (end == "else")
        {
            EndTag();
            (otherwise, _) = Body("for", ["endfor"]);
        }
        EndTag();
        return (scope, output) =>
        {
            var chosen = JinjaValue.Items(items(scope), scope.Budget)
                .Where(item => condition is null || JinjaValue.IsTrue(condition(Bound(scope, names, item)))).ToArray();
            scope.Budget.MakeItems(chosen.Length);
            if (chosen.Length == 0) return otherwise?.Invoke(scope, output) ?? JinjaFlow.Next;
            var loop = new JinjaLoop(chosen);
            for (; loop.Index < chosen.Length; loop.Index++)
            {
                var inner = Bound(scope, names, chosen[loop.Index]);
                inner["loop"] = loop;
                if (body(inner, output) == JinjaFlow.Break) break;
            }
            return JinjaFlow.Next;
        };
    }

    // {% set x = value %}, {% set x, y = pair %}, {% set space.x = value %}, {% set x | filter %} … {% endset %}
    private JinjaStatement Set()
    {
        var names = Names();
        var attribute = names.Length == 1 && _parser.Accept(".") ? _parser.Expect(JinjaTokenKind.Name, "a name") : null;
        JinjaExpression value;
        if (_parser.Accept("=")) value = _parser.Tuple();
        else
        {
            JinjaStatement? body = null;
            value = _parser.Filters(scope => Text(body!, new JinjaScope(scope)));
            EndTag();
            (body, _) = Loop(false, () => Body("set", ["endset"]));
        }
        EndTag();
        if (attribute is null)
            return (scope, _) =>
            {
                Bind(scope, names, value(scope));
                return JinjaFlow.Next;
            };
        return (scope, _) =>
        {
            if (scope[names[0]] is not JinjaNamespace space)
                throw new JinjaException($"'{names[0]}' is no namespace: its attributes cannot be set");
            space.Attributes[attribute] = value(scope);
            return JinjaFlow.Next;
        };
    }

    private JinjaStatement Filter()
    {
        JinjaStatement? body = null;
        var value = _parser.Filtered(scope => Text(body!, new JinjaScope(scope)));
        EndTag();
        (body, _) = Loop(false, () => Body("filter", ["endfilter"]));
        EndTag();
        return (scope, output) =>
        {
            output.Append(JinjaValue.ToText(value(scope), scope.Budget));
            return JinjaFlow.Next;
        };
    }

    // Marks what the assistant says; it is put out as it is.
    private JinjaStatement Generation()
    {
        EndTag();
        var (body, _) = Body("generation", ["endgeneration"]);
        EndTag();
        return body;
    }

    private string[] Names()
    {
        var line = _parser.Next.Line;
        var bracket = _parser.Accept("(");
        var names = new List<string> { _parser.Expect(JinjaTokenKind.Name, "a variable's name") };
        while (_parser.Accept(",")) names.Add(_parser.Expect(JinjaTokenKind.Name, "a variable's name"));
        if (bracket) _parser.Expect(")");
        if (names.Find(name => name is "true" or "True" or "false" or "False" or "none" or "None") is { } constant)
            throw new JinjaException($"'{constant}' cannot be assigned to", line);
        return [.. names];
    }

    // Reads statements that a break or continue within may leave, or not.
    private (JinjaStatement Body, string End) Loop(bool inside, Func<(JinjaStatement, string)> read)
    {
        var around = _inLoop;
        _inLoop = inside;
        var result = read();
        _inLoop = around;
        return result;
    }

    private void EndTag() => _parser.Expect(JinjaTokenKind.BlockEnd, "'%}'");

    private static JinjaScope Bound(JinjaScope outer, string[] names, object? value)
    {
        outer.Budget.Step();
        var scope = new JinjaScope(outer);
        Bind(scope, names, value);
        return scope;
    }

    private static void Bind(JinjaScope scope, string[] names, object? value)
    {
        if (names.Length == 1)
        {
            scope[names[0]] = value;
            return;
        }
        var parts = JinjaValue.Items(value, scope.Budget).ToArray();
        if (parts.Length != names.Length) throw new JinjaException($"{names.Length} names for {parts.Length} value(s)");
        for (var i = 0; i < names.Length; i++) scope[names[i]] = parts[i];
    }

    private static string Text(JinjaStatement body, JinjaScope scope)
    {
        var output = new StringBuilder();
        body(scope, output);
        return (string)scope.Budget.Made(output.ToString())!;
    }

    private static JinjaStatement Sequence(List<JinjaStatement> statements) => (scope, output) =>
    {
        foreach (var statement in statements)
        {
            scope.Budget.Step();
            scope.Budget.RequireOutput(output.Length);
            if (statement(scope, output) is not JinjaFlow.Next and var flow) return flow;
        }
        return JinjaFlow.Next;
    };

    // An error says the line of the innermost statement that it came from.
    private static JinjaStatement Located(int line, JinjaStatement statement) => (scope, output) =>
    {
        try
        {
            return statement(scope, output);
        }
        catch (JinjaException e) when (e.Line is null)
        {
            throw new JinjaException(e.Message, line);
        }
    };
}
