namespace Crosshead.Text.Jinja;

internal sealed partial class JinjaStatementParser
{
    // What a macro's body can read without a parameter of that name. It takes such arguments only if it does.
    private const string Rest = "varargs", Named = "kwargs", Caller = "caller";

    private sealed record Parameter(string Name, JinjaExpression? Default);

    // {% macro name(a, b=default) %} … {% endmacro %}
    private JinjaStatement Macro()
    {
        var name = _parser.Expect(JinjaTokenKind.Name, "a macro's name");
        _parser.Expect("(");
        var bind = MacroBody($"macro '{name}'", Parameters($"macro '{name}'"), "macro");
        return (scope, _) =>
        {
            scope[name] = bind(scope);
            return JinjaFlow.Next;
        };
    }

    // {% call(a) name(…) %} … {% endcall %}: the macro finds the text between as caller(a).
    private JinjaStatement CallBlock()
    {
        var parameters = _parser.Accept("(") ? Parameters("call") : [];
        var call = _parser.CallWith(Caller);
        var bind = MacroBody(Caller, parameters, "call");
        return (scope, output) =>
        {
            output.Append(JinjaValue.ToText(call(scope, bind(scope)), scope.Budget));
            return JinjaFlow.Next;
        };
    }

    // Parameters up to the closing bracket.
    private List<Parameter> Parameters(string macro)
    {
        var parameters = new List<Parameter>();
        while (!_parser.Accept(")"))
        {
            if (parameters.Count > 0) _parser.Expect(",");
            if (_parser.Accept(")")) break;
            parameters.Add(new(_parser.Expect(JinjaTokenKind.Name, "a parameter's name"),
                _parser.Accept("=") ? _parser.Expression() : null));
            if (parameters is [.., { Default: not null }, { Default: null }])
                throw new JinjaException($"{macro}: a parameter without a default stands behind one with a default",
                    _parser.Next.Line);
        }
        return parameters;
    }

    // The rest of a macro's or call's tag, and its body. The result makes the function in a scope.
    private Func<JinjaScope, JinjaFunction> MacroBody(string name, List<Parameter> parameters, string word)
    {
        EndTag();
        var around = _parser.TakeNames();
        var (body, _) = Loop(false, () => Body(word, [$"end{word}"]));
        EndTag();
        var read = _parser.TakeNames();
        _parser.AddNames([.. around, .. read]);
        var (rest, named, caller) = (read.Contains(Rest), read.Contains(Named), read.Contains(Caller));
        var signature = new JinjaSignature([.. parameters.Select(parameter => parameter.Name)], rest, named || caller);
        return scope => signature.Function(name, arguments => arguments.Budget.Call(() =>
        {
            var inner = new JinjaScope(scope);
            for (var i = 0; i < parameters.Count; i++)
            {
                var (parameter, fallback) = parameters[i];
                inner[parameter] = !ReferenceEquals(arguments[i], JinjaSignature.Absent) ? arguments[i]
                    : fallback is null ? new JinjaUndefined($"parameter '{parameter}' was not provided")
                    : fallback(inner);
            }
            if (rest) inner[Rest] = arguments.Rest.ToArray();
            if (caller)
                inner[Caller] = arguments.Named.Remove(Caller, out var given) ? given
                    : new JinjaUndefined("there is no caller: the macro is not called by {% call %}");
            if (named) inner[Named] = new JinjaDictionary(arguments.Named);
            else if (arguments.Named.Count > 0)
                throw new JinjaException($"{name} has no argument named '{arguments.Named.GetAt(0).Key.Shown()}'");
            return Text(body, inner);
        }));
    }
}
