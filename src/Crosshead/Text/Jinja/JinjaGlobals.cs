namespace Crosshead.Text.Jinja;

/// <summary>The functions that every template can call.</summary>
internal static class JinjaGlobals
{
    /// <summary>The functions by their names.</summary>
    public static readonly IReadOnlyDictionary<string, JinjaFunction> Functions = new Dictionary<string, JinjaFunction>
    {
        ["namespace"] = new JinjaSignature("*rest, **named")
            .Function("namespace", a => new JinjaNamespace(Attributes(Dictionary("namespace", a)))),
        ["dict"] = new JinjaSignature("*rest, **named").Function("dict", a => Dictionary("dict", a)),
        ["range"] = new JinjaSignature("start, stop=none, step=1, /").Function("range", a => a[1] is null
            ? new JinjaRange(0, a.Integer(0), a.Integer(2)) : new JinjaRange(a.Integer(0), a.Integer(1), a.Integer(2))),
        ["joiner"] = new JinjaSignature("sep=none").Function("joiner", Joiner),
        ["cycler"] = new JinjaSignature("*rest").Function("cycler", a => a.Rest.Count > 0 ? new JinjaCycler(a.Rest)
            : throw new JinjaException("cycler needs items")),
        ["raise_exception"] = new JinjaSignature("message")
            .Function("raise_exception", a => throw new CrossheadException(a.Printed(0).Sentence())),
    };

    // A function that gives nothing at its first call, and the separator after that.
    private static JinjaFunction Joiner(JinjaArguments arguments)
    {
        var called = false;
        return new JinjaSignature("").Function("joiner", _ =>
        {
            var result = called ? arguments[0] ?? ", " : "";
            called = true;
            return result;
        });
    }

    // A mapping or pairs of keys and values, and entries by name.
    private static JinjaDictionary Dictionary(string name, JinjaArguments arguments)
    {
        if (arguments.Rest.Count > 1)
            throw new JinjaException($"{name} takes at most 1 argument without a name, not {arguments.Rest.Count}");
        var result = new JinjaDictionary();
        if (arguments.Rest is [JinjaDictionary first])
            foreach (var (key, value) in first) result[key] = value;
        else if (arguments.Rest is [var pairs])
            foreach (var pair in JinjaValue.Items(pairs, arguments.Budget))
                result[JinjaDictionary.Key(Pair(pair, arguments)[0])] = Pair(pair, arguments)[1];
        foreach (var (key, value) in arguments.Named) result[key] = value;
        return result;
    }

    private static OrderedDictionary<string, object?> Attributes(JinjaDictionary values) =>
        new(values.Select(entry => KeyValuePair.Create(entry.Key as string
            ?? throw new JinjaException("a namespace's attributes have names"), entry.Value)));

    private static object?[] Pair(object? pair, JinjaArguments arguments) =>
        JinjaValue.Items(pair, arguments.Budget).ToArray() is { Length: 2 } parts ? parts
        : throw new JinjaException("dict needs pairs of a key and a value");
}
