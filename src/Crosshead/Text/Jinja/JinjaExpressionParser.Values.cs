using System.Globalization;

namespace Crosshead.Text.Jinja;

internal sealed partial class JinjaExpressionParser
{
    private JinjaExpression Postfix(JinjaExpression value)
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
            else if (Is("("))
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
        return scope =>
        {
            var called = function(scope);
            return called is JinjaFunction callable ? callable(arguments(scope)) : throw (called
                as JinjaUndefined)?.Error() ?? new JinjaException($"{JinjaValue.TypeName(called)} cannot be called");
        };
    }

    private Func<JinjaScope, JinjaCall> Arguments()
    {
        var positional = new List<JinjaExpression>();
        var named = new List<(string Name, JinjaExpression Value)>();
        Expect("(");
        while (!Accept(")"))
        {
            if (positional.Count + named.Count > 0) Expect(",");
            if (Accept(")")) break;
            if (Next.Kind == JinjaTokenKind.Name && tokens[_at + 1] is { Kind: JinjaTokenKind.Operator, Text: "=" })
            {
                var name = Take().Text;
                if (named.Exists(other => other.Name == name))
                    throw new JinjaException($"the argument '{name.Shown()}' is given twice", Next.Line);
                _at++;
                named.Add((name, Expression()));
            }
            else if (named.Count > 0)
                throw new JinjaException("an argument without a name stands behind one with a name", Next.Line);
            else positional.Add(Expression());
        }
        return scope =>
        {
            var values = new OrderedDictionary<string, object?>();
            foreach (var (name, value) in named) values[name] = value(scope);
            return new JinjaCall([.. positional.Select(value => value(scope))], values, scope.Budget);
        };
    }

    private JinjaExpression Primary()
    {
        var token = Next;
        switch (token.Kind)
        {
            case JinjaTokenKind.Name:
                _at++;
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
            var dictionary = new OrderedDictionary<string, object?>();
            foreach (var (key, value) in entries)
                dictionary[key(scope) as string
                    ?? throw new JinjaException("a dict's keys must be strings")] = value(scope);
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
