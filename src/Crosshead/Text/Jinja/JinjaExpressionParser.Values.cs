using System.Globalization;

namespace Crosshead.Text.Jinja;

internal sealed partial class JinjaExpressionParser
{
    private readonly HashSet<string> _names = [];

    /// <summary>The variables that were read since the last call of this method.</summary>
    public HashSet<string> TakeNames()
    {
        var taken = _names.ToHashSet();
        _names.Clear();
        return taken;
    }

    /// <summary>Counts variables as read.</summary>
    public void AddNames(IEnumerable<string> names) => _names.UnionWith(names);

    /// <summary>A call up to the end of its tag, which is given a further argument by name when it runs.</summary>
    public Func<JinjaScope, object?, object?> CallWith(string name)
    {
        for (var value = Primary(); ;)
        {
            var function = value = Postfix(value, calls: false);
            var arguments = Is("(") ? Arguments() : throw Unexpected("a call");
            if (Next.Kind == JinjaTokenKind.BlockEnd)
                return (scope, argument) =>
                {
                    var called = function(scope);
                    var call = arguments(scope);
                    if (!call.Named.TryAdd(name, argument))
                        throw new JinjaException($"the argument '{name}' is given twice");
                    return Invoked(called, call);
                };
            value = scope => Invoked(function(scope), arguments(scope));
        }
    }

    private JinjaExpression Postfix(JinjaExpression value, bool calls = true)
    {
        for (var length = 0; length < MaximumChain; length++)
        {
            var inner = value;
            if (Accept("."))
            {
                if (Next.Kind == JinjaTokenKind.Integer)
                {
                    var index = Integer(Take());
                    value = scope => JinjaAccess.Item(inner(scope), index);
                    continue;
                }
                var name = Expect(JinjaTokenKind.Name, "a name");
                value = scope => JinjaAccess.Attribute(inner(scope), name);
            }
            else if (Accept("["))
            {
                value = Subscript(inner);
            }
            else if (calls && Is("("))
            {
                value = Call(inner);
            }
            else return value;
        }
        throw new JinjaException($"more than {MaximumChain} attributes in a row", Next.Line);
    }

    private JinjaExpression Subscript(JinjaExpression value)
    {
        var parts = new JinjaExpression?[3];
        var colons = 0;
        while (!Accept("]"))
        {
            if (Accept(":")) { if (++colons > 2) throw Unexpected("']'"); }
            else if (parts[colons] is null) parts[colons] = Tuple();
            else throw Unexpected("']'");
        }
        if (colons > 0)
            return scope => JinjaAccess.Slice(value(scope), parts[0]?.Invoke(scope), parts[1]?.Invoke(scope),
                parts[2]?.Invoke(scope), scope.Budget);
        var key = parts[0] ?? throw Unexpected("an index");
        return scope => JinjaAccess.Item(value(scope), key(scope));
    }

    private JinjaExpression Call(JinjaExpression function)
    {
        var arguments = Arguments();
        return scope => Invoked(function(scope), arguments(scope));
    }

    private static object? Invoked(object? called, JinjaCall call) => called switch
    {
        JinjaFunction function => function(call),
        JinjaLoop loop => loop.Function(call),
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw new JinjaException($"{JinjaValue.TypeName(called)} cannot be called"),
    };

    // (a, *more, b=c, **further)
    private Func<JinjaScope, JinjaCall> Arguments()
    {
        var positional = new List<(bool Spread, JinjaExpression Value)>();
        var named = new List<(string? Name, JinjaExpression Value)>(); // without a name all entries of a dict
        Expect("(");
        while (!Accept(")"))
        {
            if (positional.Count + named.Count > 0) Expect(",");
            if (Accept(")")) break;
            if (Accept("**")) named.Add((null, Expression()));
            else if (Accept("*")) positional.Add((true, Expression()));
            else if (Next.Kind == JinjaTokenKind.Name
                && tokens[_at + 1] is { Kind: JinjaTokenKind.Operator, Text: "=" })
            {
                var name = Take().Text;
                if (named.Exists(other => other.Name == name))
                    throw new JinjaException($"the argument '{name.Shown()}' is given twice", Next.Line);
                _at++;
                named.Add((name, Expression()));
            }
            else if (named.Count > 0 || positional.Exists(other => other.Spread))
                throw new JinjaException("an argument without a name stands behind one with a name, or behind *",
                    Next.Line);
            else positional.Add((false, Expression()));
        }
        return scope => Given(scope, positional, named);
    }

    private static JinjaCall Given(JinjaScope scope, List<(bool Spread, JinjaExpression Value)> positional,
        List<(string? Name, JinjaExpression Value)> named)
    {
        var list = new List<object?>(positional.Count);
        foreach (var (spread, value) in positional)
            if (spread) list.AddRange(JinjaValue.Items(value(scope), scope.Budget));
            else list.Add(value(scope));
        var values = new OrderedDictionary<string, object?>();
        foreach (var (name, value) in named)
        {
            var given = value(scope);
            if (name is not null) Add(name, given);
            else if (given is JinjaDictionary entries)
                foreach (var (key, entry) in entries)
                    Add(key as string ?? throw new JinjaException("the names of arguments are strings"), entry);
            else throw new JinjaException($"** needs a dict, not {JinjaValue.TypeName(given)}");
        }
        return new JinjaCall(list, values, scope.Budget);

        void Add(string name, object? value)
        {
            if (!values.TryAdd(name, value)) throw new JinjaException($"the argument '{name.Shown()}' is given twice");
        }
    }

    private JinjaExpression Primary()
    {
        var token = Next;
        switch (token.Kind)
        {
            case JinjaTokenKind.Name:
                _at++;
                _names.Add(token.Text);
                return token.Text switch
                {
                    "true" or "True" => _ => true,
                    "false" or "False" => _ => false,
                    "none" or "None" => _ => null,
                    _ => scope => scope[token.Text],
                };
            case JinjaTokenKind.String:
                var text = "";
                while (Next.Kind == JinjaTokenKind.String) text += Take().Text;
                return _ => text;
            case JinjaTokenKind.Integer:
                var whole = Integer(Take());
                return _ => whole;
            case JinjaTokenKind.Float:
                var number = double.Parse(Take().Text, CultureInfo.InvariantCulture);
                return _ => number;
            default:
                return Accept("(") ? Parenthesis() : Accept("[") ? List() : Accept("{") ? Dictionary()
                    : throw Unexpected("a value");
        }
    }

    private JinjaExpression Parenthesis()
    {
        if (Accept(")")) return _ => Array.Empty<object?>();
        var value = Tuple();
        Expect(")");
        return value;
    }

    private JinjaExpression List()
    {
        var items = new List<JinjaExpression>();
        while (!Accept("]"))
        {
            if (items.Count > 0) Expect(",");
            if (Accept("]")) break;
            items.Add(Expression());
        }
        return scope => scope.Budget.Made(items.Select(item => item(scope)).ToList());
    }

    private JinjaExpression Dictionary()
    {
        var entries = new List<(JinjaExpression Key, JinjaExpression Value)>();
        while (!Accept("}"))
        {
            if (entries.Count > 0) Expect(",");
            if (Accept("}")) break;
            var key = Expression();
            Expect(":");
            entries.Add((key, Expression()));
        }
        return scope =>
        {
            var dictionary = new JinjaDictionary();
            foreach (var (key, value) in entries)
                dictionary[JinjaDictionary.Key(key(scope))] = value(scope);
            return scope.Budget.Made(dictionary);
        };
    }

    private static long Integer(JinjaToken token)
    {
        try
        {
            return JinjaNumber.ReadWhole(token.Text, 0)!.Value;
        }
        catch (JinjaException)
        {
            throw new JinjaException($"the number {token.Text.Shown()} is too large", token.Line);
        }
    }
}
