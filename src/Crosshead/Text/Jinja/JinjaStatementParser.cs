using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>
/// Turns a template's tokens into functions, statement by statement; <c>JinjaStatementParser.Loops.cs</c> has
/// loops, and <c>JinjaStatementParser.Macros.cs</c> has macros.
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
        "with" => With(),
        "macro" => Macro(),
        "call" => CallBlock(),
        "filter" => Filter(),
        "generation" => Generation(),
        "break" or "continue" when !_inLoop =>
            throw new JinjaException($"{{% {word} %}} stands outside of a loop", line),
        "break" => Jump(JinjaFlow.Break),
        "continue" => Jump(JinjaFlow.Continue),
        _ => throw new JinjaException($"the statement {{% {word.Shown()} %}} is not known here; chat templates use if, "
            + $"for, set, with, macro, call, filter, generation, break and continue", line),
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

    // {% with a = 1, b = 2 %} … {% endwith %}: the values are those outside, the names are known inside only.
    private JinjaStatement With()
    {
        var variables = new List<(JinjaTarget Target, JinjaExpression Value)>();
        while (_parser.Next.Kind != JinjaTokenKind.BlockEnd)
        {
            if (variables.Count > 0) _parser.Expect(",");
            var target = JinjaTarget.Read(_parser);
            _parser.Expect("=");
            variables.Add((target, _parser.Expression()));
        }
        EndTag();
        var (body, _) = Body("with", ["endwith"]);
        EndTag();
        return (scope, output) =>
        {
            var inner = new JinjaScope(scope);
            foreach (var (target, value) in variables) target.Bind(inner, value(scope));
            return body(inner, output);
        };
    }

    // {% set x = value %}, {% set x, y = pair %}, {% set space.x = value %}, {% set x | filter %} … {% endset %}
    private JinjaStatement Set()
    {
        var target = JinjaTarget.Read(_parser);
        var attribute = target.Name is not null && _parser.Accept(".")
            ? _parser.Expect(JinjaTokenKind.Name, "a name") : null;
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
                target.Bind(scope, value(scope));
                return JinjaFlow.Next;
            };
        return (scope, _) =>
        {
            if (scope[target.Name!] is not JinjaNamespace space)
                throw new JinjaException($"'{target.Name}' is no namespace: its attributes cannot be set");
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
