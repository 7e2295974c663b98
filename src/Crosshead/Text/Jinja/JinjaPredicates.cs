namespace Crosshead.Text.Jinja;

/// <summary>The tests of a template: what stands behind <c>is</c>.</summary>
internal static class JinjaPredicates
{
    private static readonly JinjaTable<object?> s_all = new("test")
    {
        { "defined", "", (x, _) => x is not JinjaUndefined },
        { "undefined", "", (x, _) => x is JinjaUndefined },
        { "none", "", (x, _) => x is null },
        { "string", "", (x, _) => x is string or JinjaMarkup },
        { "mapping", "", (x, _) => x is JinjaDictionary },
        { "iterable", "", (x, _) => x is string or IReadOnlyCollection<object?> or JinjaDictionary
            or JinjaGenerator or JinjaUndefined or JinjaMarkup or JinjaLoop },
        { "sequence", "", (x, _) => x is string or IReadOnlyList<object?> or JinjaDictionary
            or JinjaUndefined or JinjaMarkup },
        { "number", "", (x, _) => JinjaNumber.Is(x) },
        { "integer", "", (x, _) => x is long },
        { "float", "", (x, _) => x is double },
        { "boolean", "", (x, _) => x is bool },
        { "true", "", (x, _) => x is true },
        { "false", "", (x, _) => x is false },
        { "callable", "", (x, _) => x is JinjaFunction or JinjaLoop or JinjaUndefined },
        { "upper", "", (x, a) => JinjaCasing.IsUpper(JinjaValue.ToText(x, a.Budget)) },
        { "lower", "", (x, a) => JinjaCasing.IsLower(JinjaValue.ToText(x, a.Budget)) },
        { "odd", "", (x, a) => IsRest(x, 2L, 1L, a) },
        { "even", "", (x, a) => IsRest(x, 2L, 0L, a) },
        { "divisibleby", "num", (x, a) => IsRest(x, a[0], 0L, a) },
        { "in", "seq", (x, a) => JinjaValue.Contains(a[0], x, a.Budget) },
        { "sameas", "other", (x, a) => AreSame(x, a[0]) },
        { "escaped", "", (x, _) => x is JinjaMarkup },
        { "filter", "", (x, _) => x is string name && JinjaFilters.Has(name) },
        { "test", "", (x, _) => x is string name && s_all!.Find(name) is not null },
        { "eq", "b, /", (x, a) => JinjaOperators.Holds("==", x, a[0], a.Budget) },
        { "ne", "b, /", (x, a) => JinjaOperators.Holds("!=", x, a[0], a.Budget) },
        { "lt", "b, /", (x, a) => JinjaOperators.Holds("<", x, a[0], a.Budget) },
        { "le", "b, /", (x, a) => JinjaOperators.Holds("<=", x, a[0], a.Budget) },
        { "gt", "b, /", (x, a) => JinjaOperators.Holds(">", x, a[0], a.Budget) },
        { "ge", "b, /", (x, a) => JinjaOperators.Holds(">=", x, a[0], a.Budget) },
        { "equalto", "eq" },
        { "==", "eq" },
        { "!=", "ne" },
        { "<", "lt" },
        { "lessthan", "lt" },
        { "<=", "le" },
        { ">", "gt" },
        { "greaterthan", "gt" },
        { ">=", "ge" },
    };

    /// <summary>The test with this name, or an error that lists all tests.</summary>
    public static Func<object?, JinjaCall, object?> Get(string name) => s_all.Get(name);

    private static bool IsRest(object? value, object? by, object rest, JinjaArguments arguments) =>
        JinjaValue.AreEqual(JinjaOperators.Apply("%", value, by, arguments.Budget), rest, arguments.Budget);

    // Python keeps one object of a whole number and of a text that stands in a template, but not of others.
    private static bool AreSame(object? a, object? b) => ReferenceEquals(a, b) || (a is bool or long or string
        && a.Equals(b)) || (a is object?[] { Length: 0 } && b is object?[] { Length: 0 });
}
