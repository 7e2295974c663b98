using System.Text;

namespace Crosshead.Text.Jinja;

internal sealed partial class JinjaStatementParser
{
    // {% for a, b in items if condition recursive %} … {% else %} … {% endfor %}
    private JinjaStatement For()
    {
        var target = JinjaTarget.Read(_parser);
        if (target.Names.Contains("loop"))
            throw new JinjaException("a loop's variable cannot be called 'loop'", _parser.Next.Line);
        _parser.Expect("in");
        var items = _parser.Tuple(conditional: false);
        var condition = _parser.Accept("if") ? _parser.Expression() : null;
        var recursive = _parser.Accept("recursive");
        EndTag();
        var (body, end) = Loop(true, () => Body("for", ["else", "endfor"]));
        JinjaStatement? otherwise = null;
        if (end == "else")
        {
            EndTag();
            (otherwise, _) = Body("for", ["endfor"]);
        }
        EndTag();
        return (scope, output) => Turns(scope, output, items(scope), 0);

        JinjaFlow Turns(JinjaScope scope, StringBuilder output, object? from, int depth)
        {
            var chosen = JinjaValue.Items(from, scope.Budget)
                .Where(item => condition is null || JinjaValue.IsTrue(condition(Bound(scope, target, item)))).ToArray();
            scope.Budget.MakeItems(chosen.Length);
            if (chosen.Length == 0) return otherwise?.Invoke(scope, output) ?? JinjaFlow.Next;
            var loop = new JinjaLoop(chosen, depth, recursive ? inner => Again(scope, inner, depth + 1) : null);
            for (; loop.Index < chosen.Length; loop.Index++)
            {
                var inner = Bound(scope, target, chosen[loop.Index]);
                inner["loop"] = loop;
                if (body(inner, output) == JinjaFlow.Break) break;
            }
            return JinjaFlow.Next;
        }

        // loop(items): the loop's text for further items
        string Again(JinjaScope scope, object? further, int depth) => scope.Budget.Call(() => Text((inner, output) =>
            Turns(inner, output, further, depth), scope));
    }

    private static JinjaScope Bound(JinjaScope outer, JinjaTarget target, object? value)
    {
        outer.Budget.Step();
        var scope = new JinjaScope(outer);
        target.Bind(scope, value);
        return scope;
    }
}
