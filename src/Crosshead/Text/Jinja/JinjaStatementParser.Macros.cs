namespace Crosshead.Text.Jinja;

internal sealed partial class JinjaStatementParser
{
    // {% macro name(a, b=default) %} … {% endmacro %}
    private JinjaStatement Macro()
    {
        var name = _parser.Expect(JinjaTokenKind.Name, "a macro's name");
        var parameters = new List<(string Name, JinjaExpression? Default)>();
        _parser.Expect("(");
        while (!_parser.Accept(")"))
        {
            if (parameters.Count > 0) _parser.Expect(",");
            parameters.Add((_parser.Expect(JinjaTokenKind.Name, "a parameter's name"),
                _parser.Accept("=") ? _parser.Expression() : null));
            if (parameters is [.., { Default: not null }, { Default: null }])
                throw new JinjaException($"macro '{name}': a parameter without a default stands behind one with "
                    + $"a default", _parser.Next.Line);
        }
        EndTag();
        var (body, _) = Loop(false, () => Body("macro", ["endmacro"]));
        EndTag();
        var signature = new JinjaSignature([.. parameters.Select(parameter => parameter.Name)]);
        return (scope, _) =>
        {
            scope[name] = signature.Function($"macro '{name}'", arguments => arguments.Budget.Call(() =>
            {
                var inner = new JinjaScope(scope);
                for (var i = 0; i < parameters.Count; i++)
                {
                    var (parameter, fallback) = parameters[i];
                    inner[parameter] = !ReferenceEquals(arguments[i], JinjaSignature.Absent) ? arguments[i]
                        : fallback is null ? new JinjaUndefined($"parameter '{parameter}' was not provided")
                        : fallback(inner);
                }
                return Text(body, inner);
            }));
            return JinjaFlow.Next;
        };
    }
}
