using System.Collections.Frozen;

namespace Crosshead.Data.Chat;

/// <summary>The tests of a template: what stands behind <c>is</c>.</summary>
internal static class JinjaTests
{
    private static readonly FrozenDictionary<string, Func<object?, JinjaArguments, bool>> s_all = new Dictionary<string, Func<object?, JinjaArguments, bool>>
    {
        ["defined"] = (x, _) => x is not JinjaUndefined,
        ["undefined"] = (x, _) => x is JinjaUndefined,
        ["none"] = (x, _) => x is null,
        ["string"] = (x, _) => x is string,
        ["mapping"] = (x, _) => x is OrderedDictionary<string, object?>,
        ["iterable"] = (x, _) => x is string or List<object?> or object?[] or OrderedDictionary<string, object?> or JinjaUndefined,
        ["sequence"] = (x, _) => x is string or List<object?> or object?[] or OrderedDictionary<string, object?> or JinjaUndefined,
        ["number"] = (x, _) => JinjaValue.IsNumber(x),
        ["integer"] = (x, _) => x is long,
        ["float"] = (x, _) => x is double,
        ["boolean"] = (x, _) => x is bool,
        ["true"] = (x, _) => x is true,
        ["false"] = (x, _) => x is false,
        ["callable"] = (x, _) => x is JinjaFunction,
        ["upper"] = (x, _) => JinjaValue.ToText(x) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["lower"] = (x, _) => JinjaValue.ToText(x) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["odd"] = (x, _) => JinjaValue.AreEqual(JinjaOperators.Apply("%", x, 2L), 1L),
        ["even"] = (x, _) => JinjaValue.AreEqual(JinjaOperators.Apply("%", x, 2L), 0L),
        ["divisibleby"] = (x, a) => JinjaValue.AreEqual(JinjaOperators.Apply("%", x, a.Need(0, "divisibleby")), 0L),
        ["in"] = (x, a) => JinjaValue.Contains(a.Need(0, "in"), x),
        ["sameas"] = (x, a) => JinjaValue.TypeName(x) == JinjaValue.TypeName(a.Need(0, "sameas")) && JinjaValue.AreEqual(x, a.Positional[0]),
        ["eq"] = (x, a) => JinjaValue.AreEqual(x, a.Need(0, "eq")),
        ["ne"] = (x, a) => !JinjaValue.AreEqual(x, a.Need(0, "ne")),
        ["lt"] = (x, a) => JinjaValue.Compare(x, a.Need(0, "lt")) < 0,
        ["le"] = (x, a) => JinjaValue.Compare(x, a.Need(0, "le"), "<=") <= 0,
        ["gt"] = (x, a) => JinjaValue.Compare(x, a.Need(0, "gt"), ">") > 0,
        ["ge"] = (x, a) => JinjaValue.Compare(x, a.Need(0, "ge"), ">=") >= 0,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> s_synonyms = new Dictionary<string, string>
    {
        ["equalto"] = "eq",
        ["=="] = "eq",
        ["!="] = "ne",
        ["<"] = "lt",
        ["lessthan"] = "lt",
        ["<="] = "le",
        [">"] = "gt",
        ["greaterthan"] = "gt",
        [">="] = "ge",
    }.ToFrozenDictionary();

    /// <summary>The test of that name, or an error that says which there are.</summary>
    public static Func<object?, JinjaArguments, bool> Get(string name) =>
        s_all.TryGetValue(s_synonyms.GetValueOrDefault(name, name), out var test) ? test : throw new JinjaException($"no test named '{name}'; {Suggestion.For(name, s_all.Keys.Order(StringComparer.Ordinal))}");
}
