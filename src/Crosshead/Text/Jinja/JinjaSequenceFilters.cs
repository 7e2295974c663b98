using System.Globalization;

namespace Crosshead.Text.Jinja;

/// <summary>The filters of lists and dictionaries.</summary>
internal static class JinjaSequenceFilters
{
    public static void AddTo(JinjaTable<object?> table)
    {
        table.Add("length", "", (x, _) => JinjaValue.Length(x));
        table.Add("list", "", (x, a) => JinjaValue.Items(x, a.Budget).ToList());
        table.Add("items", "",
            (x, a) => new JinjaGenerator(x is JinjaUndefined ? [] : x is JinjaDictionary d
            ? JinjaMethods.Entries(d) : throw JinjaFilters.Wrong("items", "a dict", x), a.Budget));
        table.Add("dictsort", "case_sensitive=false, by='key', reverse=false", DictionarySorted);
        table.Add("first", "", (x, a) => JinjaValue.Items(x, a.Budget).FirstOrDefault(Nothing("first")));
        table.Add("last", "", (x, a) => x is JinjaGenerator ? throw JinjaFilters.Wrong("last", "a list", x)
            : JinjaValue.Items(x, a.Budget).LastOrDefault(Nothing("last")));
        table.Add("reverse", "", Reversed);
        table.Add("join", "d='', attribute=none", Joined);
        table.Add("sort", "reverse=false, case_sensitive=false, attribute=none",
            (x, a) => Sorted(JinjaValue.Items(x, a.Budget), Keys(a, 2, 1), a.Flag(0), a.Budget));
        table.Add("unique", "case_sensitive=false, attribute=none",
            (x, a) => new JinjaGenerator(Unique(JinjaValue.Items(x, a.Budget), Key(a, 1, 0), a.Budget),
                a.Budget));
        table.Add("min", "case_sensitive=false, attribute=none", (x, a) => Sorted(JinjaValue.Items(x, a.Budget),
            Key(a, 1, 0), false, a.Budget).FirstOrDefault(Nothing("smallest")));
        table.Add("max", "case_sensitive=false, attribute=none", (x, a) => Sorted(JinjaValue.Items(x, a.Budget),
            Key(a, 1, 0), true, a.Budget).FirstOrDefault(Nothing("largest")));
        table.Add("sum", "attribute=none, start=0", Sum);
        table.Add("map", "*rest, **named", (x, a) => new JinjaGenerator(Mapped(x, a), a.Budget));
        table.Add("select", "*rest, **named", (x, a) => new JinjaGenerator(Chosen(x, a, 0, wanted: true), a.Budget));
        table.Add("reject", "*rest, **named", (x, a) => new JinjaGenerator(Chosen(x, a, 0, wanted: false), a.Budget));
        table.Add("selectattr", "*rest, **named",
            (x, a) => new JinjaGenerator(Chosen(x, a, 1, wanted: true), a.Budget));
        table.Add("rejectattr", "*rest, **named",
            (x, a) => new JinjaGenerator(Chosen(x, a, 1, wanted: false), a.Budget));
    }

    private static JinjaUndefined Nothing(string which) => new($"there is no {which} item, the sequence is empty");

    private static List<object?> DictionarySorted(object? value, JinjaArguments arguments)
    {
        if (value is not JinjaDictionary dictionary)
            throw JinjaFilters.Wrong("dictsort", "a dict", value);
        var place = arguments[1] switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new JinjaException("dictsort: by must be key or value"),
        };
        return Sorted(JinjaMethods.Entries(dictionary), entry => ((object?[])entry!)[place] is var part
            && arguments.IsTrue(0) ? part : Folded(part), arguments.Flag(2), arguments.Budget);
    }

    private static object Reversed(object? value, JinjaArguments arguments) => value switch
    {
        string text => string.Concat(JinjaValue.Characters(text).Reverse()),
        JinjaGenerator => JinjaValue.Items(value, arguments.Budget).Reverse().ToList(),
        _ => new JinjaGenerator(JinjaValue.Items(value, arguments.Budget).Reverse(), arguments.Budget),
    };

    private static string Joined(object? items, JinjaArguments arguments)
    {
        var (result, between) = (new JinjaTextBuilder(arguments.Budget), arguments.Printed(0));
        var first = true;
        foreach (var item in JinjaValue.Items(items, arguments.Budget))
        {
            if (!first) result.Append(between);
            first = false;
            result.Append(JinjaValue.ToText(arguments[1] is null ? item : Path(item, arguments[1]), arguments.Budget));
        }
        return result.ToString();
    }

    private static object? Sum(object? items, JinjaArguments arguments)
    {
        var total = arguments[1] is string ? throw new JinjaException("sum adds no strings; use join") : arguments[1];
        foreach (var item in JinjaValue.Items(items, arguments.Budget))
            total = JinjaOperators.Apply("+", total, arguments[0] is null ? item : Path(item, arguments[0]),
                arguments.Budget);
        return total;
    }

    // map("filter", …) or map(attribute="name", default=…)
    private static IEnumerable<object?> Mapped(object? items, JinjaArguments arguments)
    {
        var (rest, named) = (arguments.Rest, arguments.Named);
        if (rest.Count == 0 && named.TryGetValue("attribute", out var attribute))
        {
            if (named.Keys.FirstOrDefault(name => name is not ("attribute" or "default")) is { } unknown)
                throw new JinjaException($"map has no argument named '{unknown.Shown()}'; "
                    + $"{Suggestion.For(unknown, ["attribute", "default"])}");
            var absent = named.GetValueOrDefault("default");
            return JinjaValue.Items(items, arguments.Budget).Select(item => Path(item, attribute, absent));
        }
        if (rest.Count == 0) throw new JinjaException("map needs the name of a filter, or attribute=");
        var filter = JinjaFilters.Get(
            rest[0] as string ?? throw JinjaFilters.Wrong("map", "the name of a filter", rest[0]));
        var call = new JinjaCall(rest[1..], named, arguments.Budget);
        return JinjaValue.Items(items, arguments.Budget).Select(item => filter(item, call));
    }

    // select("test", …), selectattr("attribute", "test", …); without a test, what is true.
    private static IEnumerable<object?> Chosen(object? items, JinjaArguments arguments, int skip, bool wanted)
    {
        var rest = arguments.Rest;
        if (rest.Count < skip) throw new JinjaException("selectattr and rejectattr need the name of an attribute");
        if (rest.Count == skip && arguments.Named.Count > 0)
            throw new JinjaException($"the argument '{arguments.Named.First().Key.Shown()}' needs a test to take it");
        Func<object?, bool> holds = JinjaValue.IsTrue;
        if (rest.Count > skip)
        {
            var test = JinjaPredicates.Get(
                rest[skip] as string ?? throw JinjaFilters.Wrong("select", "the name of a test", rest[skip]));
            var call = new JinjaCall(rest[(skip + 1)..], arguments.Named, arguments.Budget);
            holds = item => JinjaValue.IsTrue(test(item, call));
        }
        return JinjaValue.Items(items, arguments.Budget)
            .Where(item => holds(skip == 0 ? item : Path(item, rest[0])) == wanted);
    }

    /// <summary>
    /// An attribute by its path: "function.name" is the name of the function; "0" and 0 the first item.
    /// </summary>
    public static object? Path(object? item, object? attribute, object? absent = null)
    {
        object?[] parts = attribute is string path ? path.Split('.') : [attribute];
        foreach (var part in parts)
        {
            item = JinjaAccess.Item(item, part is string text && text.All(char.IsAsciiDigit) && long.TryParse(text,
                CultureInfo.InvariantCulture, out var index) ? index : part);
            if (item is JinjaUndefined && absent is not null) item = absent;
        }
        return item;
    }

    private static Func<object?, object?> Key(JinjaArguments arguments, int attribute, int caseSensitive) =>
        item => (arguments[attribute] is null ? item : Path(item, arguments[attribute])) is var value
        && arguments.IsTrue(caseSensitive) ? value : Folded(value);

    // sort takes several attributes: "role,name". Its keys are lists, so that equal values need no order.
    private static Func<object?, object?> Keys(JinjaArguments arguments, int attribute, int caseSensitive)
    {
        object?[] attributes = arguments[attribute] is string several ? several.Split(',') : [arguments[attribute]];
        return item => attributes.Select(one => one is null ? item : Path(item, one))
            .Select(value => arguments.IsTrue(caseSensitive) ? value : Folded(value)).ToArray();
    }

    private static object? Folded(object? value) => value is string text ? JinjaCasing.Lower(text) : value;

    /// <summary>Items by their keys; equal ones keep their order. An error where Python has no order.</summary>
    public static List<object?> Sorted(IEnumerable<object?> items, Func<object?, object?> key, bool reverse,
        JinjaBudget budget)
    {
        var order = Comparer<object?>.Create(
            (a, b) => JinjaValue.Order(a, b, "<", budget) ?? throw new JinjaException("nan has no place in an order"));
        try
        {
            return [.. reverse ? items.OrderByDescending(key, order) : items.OrderBy(key, order)];
        }
        catch (InvalidOperationException e)
            when (e.InnerException is JinjaException or InsufficientExecutionStackException)
        {
            throw e.InnerException;
        }
    }

    private static IEnumerable<object?> Unique(IEnumerable<object?> items, Func<object?, object?> key,
        JinjaBudget budget)
    {
        var (texts, others) = (new HashSet<string>(), new List<object?>());
        return items.Where(item =>
        {
            var value = key(item);
            if (value is string text) return texts.Add(text);
            JinjaValue.RequireHashable(value);
            if (others.Exists(other => JinjaValue.AreEqual(other, value, budget))) return false;
            others.Add(value);
            return true;
        });
    }
}
