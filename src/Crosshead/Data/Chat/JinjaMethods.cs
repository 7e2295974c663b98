using System.Collections.Frozen;

namespace Crosshead.Data.Chat;

/// <summary>The methods of Python's strings, lists and dictionaries that templates call. None of them changes its object.</summary>
internal static class JinjaMethods
{
    private static readonly FrozenDictionary<string, Func<string, JinjaArguments, object?>> s_text = new Dictionary<string, Func<string, JinjaArguments, object?>>
    {
        ["strip"] = (text, a) => JinjaText.Strip(text, a.Text(0, "chars"), start: true, end: true),
        ["lstrip"] = (text, a) => JinjaText.Strip(text, a.Text(0, "chars"), start: true, end: false),
        ["rstrip"] = (text, a) => JinjaText.Strip(text, a.Text(0, "chars"), start: false, end: true),
        ["split"] = (text, a) => JinjaText.Split(text, a.Text(0, "sep"), a.Integer(1, "maxsplit", -1)),
        ["rsplit"] = (text, a) => JinjaText.SplitFromEnd(text, a.Text(0, "sep"), a.Integer(1, "maxsplit", -1)),
        ["splitlines"] = (text, a) => JinjaText.Lines(text),
        ["startswith"] = (text, a) => Any(a.Need(0, "startswith"), prefix => text.StartsWith(prefix, StringComparison.Ordinal)),
        ["endswith"] = (text, a) => Any(a.Need(0, "endswith"), suffix => text.EndsWith(suffix, StringComparison.Ordinal)),
        ["removeprefix"] = (text, a) => Text(a, "removeprefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
        ["removesuffix"] = (text, a) => Text(a, "removesuffix") is var suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
        ["upper"] = (text, _) => text.ToUpperInvariant(),
        ["lower"] = (text, _) => text.ToLowerInvariant(),
        ["title"] = (text, _) => JinjaText.Title(text),
        ["capitalize"] = (text, _) => JinjaText.Capitalize(text),
        ["replace"] = (text, a) => JinjaText.Replace(text, Text(a, "replace"), a.Text(1, "new") ?? "", a.Integer(2, "count", -1)),
        ["join"] = (text, a) => string.Join(text, JinjaValue.Items(a.Need(0, "join")).Select(item => item as string ?? throw new JinjaException($"join needs strings, not {JinjaValue.TypeName(item)}"))),
        ["find"] = (text, a) => (long)text.IndexOf(Text(a, "find"), StringComparison.Ordinal),
        ["rfind"] = (text, a) => (long)text.LastIndexOf(Text(a, "rfind"), StringComparison.Ordinal),
        ["index"] = (text, a) => text.IndexOf(Text(a, "index"), StringComparison.Ordinal) is >= 0 and var at ? (long)at : throw new JinjaException("index: the text is not there"),
        ["count"] = (text, a) => Text(a, "count") is { Length: > 0 } part ? text.Split(part).Length - 1L : JinjaValue.Length(text) + 1,
        ["isdigit"] = (text, _) => text.Length > 0 && text.All(char.IsDigit),
        ["isalpha"] = (text, _) => text.Length > 0 && text.All(char.IsLetter),
        ["isalnum"] = (text, _) => text.Length > 0 && text.All(char.IsLetterOrDigit),
        ["isspace"] = (text, _) => text.Length > 0 && text.All(char.IsWhiteSpace),
        ["isupper"] = (text, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["islower"] = (text, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, Func<OrderedDictionary<string, object?>, JinjaArguments, object?>> s_dictionary =
        new Dictionary<string, Func<OrderedDictionary<string, object?>, JinjaArguments, object?>>
        {
            ["items"] = (dictionary, _) => Entries(dictionary),
            ["keys"] = (dictionary, _) => dictionary.Keys.ToList<object?>(),
            ["values"] = (dictionary, _) => dictionary.Values.ToList(),
            ["get"] = (dictionary, a) => a.Need(0, "get") is string key && dictionary.TryGetValue(key, out var value) ? value : a.Get(1, "default"),
            ["copy"] = (dictionary, _) => new OrderedDictionary<string, object?>(dictionary),
        }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, Func<IReadOnlyList<object?>, JinjaArguments, object?>> s_list =
        new Dictionary<string, Func<IReadOnlyList<object?>, JinjaArguments, object?>>
        {
            ["count"] = (list, a) => (long)list.Count(item => JinjaValue.AreEqual(item, a.Need(0, "count"))),
            ["index"] = (list, a) => list.Index().Where(entry => JinjaValue.AreEqual(entry.Item, a.Need(0, "index"))).Select(entry => (long?)entry.Index).FirstOrDefault()
                ?? throw new JinjaException("index: the item is not in the list"),
        }.ToFrozenDictionary();

    /// <summary>The method of that name bound to its object, or null.</summary>
    public static JinjaFunction? Find(object? value, string name) => value switch
    {
        string text => s_text.TryGetValue(name, out var method) ? arguments => method(text, arguments) : null,
        OrderedDictionary<string, object?> dictionary => s_dictionary.TryGetValue(name, out var method) ? arguments => method(dictionary, arguments) : null,
        IReadOnlyList<object?> list => s_list.TryGetValue(name, out var method) ? arguments => method(list, arguments) : null,
        _ => null,
    };

    /// <summary>A dictionary's keys and values in pairs.</summary>
    public static List<object?> Entries(OrderedDictionary<string, object?> dictionary) => [.. dictionary.Select(entry => (object?)new object?[] { entry.Key, entry.Value })];

    private static string Text(JinjaArguments arguments, string method) =>
        arguments.Need(0, method) as string ?? throw new JinjaException($"{method} needs a string, not {JinjaValue.TypeName(arguments.Positional[0])}");

    private static bool Any(object? choices, Func<string, bool> matches) => choices switch
    {
        string text => matches(text),
        object?[] tuple => tuple.Any(choice => choice is string text && matches(text)),
        _ => throw new JinjaException($"a string or a tuple of strings is needed, not {JinjaValue.TypeName(choices)}"),
    };
}
