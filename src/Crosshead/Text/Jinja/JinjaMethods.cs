using System.Globalization;

namespace Crosshead.Text.Jinja;

/// <summary>
/// The methods of Python's strings, lists and dictionaries that templates call. None of them changes its object.
/// </summary>
internal static class JinjaMethods
{
    private const string Where = "sub, start=none, end=none, /";

    private static readonly JinjaTable<string> s_text = new("string method")
    {
        { "strip", "chars=none, /", (text, a) => JinjaText.Strip(text, a.TextOrNone(0), start: true, end: true) },
        { "lstrip", "chars=none, /", (text, a) => JinjaText.Strip(text, a.TextOrNone(0), start: true, end: false) },
        { "rstrip", "chars=none, /", (text, a) => JinjaText.Strip(text, a.TextOrNone(0), start: false, end: true) },
        { "split", "sep=none, maxsplit=-1",
            (text, a) => Parts(JinjaText.Split(text, a.TextOrNone(0), a.Integer(1)), text, a) },
        { "rsplit", "sep=none, maxsplit=-1",
            (text, a) => Parts(JinjaText.SplitFromEnd(text, a.TextOrNone(0), a.Integer(1)), text, a) },
        { "splitlines", "keepends=false", (text, a) => Parts(JinjaText.Lines(text, a.Flag(0)), text, a) },
        { "startswith", "prefix, start=none, end=none, /",
            (text, a) => Any(a, prefix => Part(text, a).StartsWith(prefix)) },
        { "endswith", "suffix, start=none, end=none, /",
            (text, a) => Any(a, suffix => Part(text, a).EndsWith(suffix)) },
        { "removeprefix", "prefix, /",
            (text, a) => text.StartsWith(a.Text(0), StringComparison.Ordinal) ? text[a.Text(0).Length..] : text },
        { "removesuffix", "suffix, /",
            (text, a) => text.EndsWith(a.Text(0), StringComparison.Ordinal) ? text[..^a.Text(0).Length] : text },
        { "upper", "", (text, _) => JinjaCasing.Upper(text) },
        { "lower", "", (text, _) => JinjaCasing.Lower(text) },
        { "title", "", (text, _) => JinjaCasing.Title(text) },
        { "capitalize", "", (text, _) => JinjaCasing.Capitalize(text) },
        { "replace", "old, new, count=-1, /",
            (text, a) => JinjaText.Replace(text, a.Text(0), a.Text(1), a.Integer(2), a.Budget) },
        { "join", "iterable, /", Joined },
        { "find", Where, (text, a) => Part(text, a).First(a.Text(0)) },
        { "rfind", Where, (text, a) => Part(text, a).Last(a.Text(0)) },
        { "index", Where, (text, a) => Found(Part(text, a).First(a.Text(0))) },
        { "rindex", Where, (text, a) => Found(Part(text, a).Last(a.Text(0))) },
        { "count", Where, (text, a) => Part(text, a).Count(a.Text(0)) },
        { "isdigit", "", (text, _) => All(text, IsDigit) },
        { "isalpha", "", (text, _) => All(text, IsLetter) },
        { "isalnum", "", (text, _) => All(text, IsAlphanumeric) },
        { "isdecimal", "", (text, _) => All(text,
            code => CharUnicodeInfo.GetDecimalDigitValue(JinjaText.Character(code), 0) >= 0) },
        { "isascii", "", (text, _) => text.All(char.IsAscii) },
        { "zfill", "width, /", (text, a) => text is ['+' or '-', ..]
            ? text[0] + Beside(text[1..], a.Integer(0) - 1, '0', left: true, a)
            : Beside(text, a.Integer(0), '0', left: true, a) },
        { "ljust", "width, fillchar=' ', /", (text, a) => Beside(text, a.Integer(0), Fill(a), left: false, a) },
        { "rjust", "width, fillchar=' ', /", (text, a) => Beside(text, a.Integer(0), Fill(a), left: true, a) },
        { "center", "width, fillchar=' ', /",
            (text, a) => JinjaLayoutFilters.Padded(text, a.Integer(0), a.Budget, Fill(a)) },
        { "swapcase", "", (text, _) => string.Concat(JinjaValue.Characters(text).Select(
            c => JinjaCasing.IsUpper(c) ? JinjaCasing.Lower(c) : JinjaCasing.Upper(c))) },
        { "format", "*rest, **named", (text, a) => JinjaFormat.Format(text, a) },
        { "partition", "sep, /", (text, a) => Partition(text, JinjaSubstring.IndexOf(text, Separator(a)), a, false) },
        { "rpartition", "sep, /",
            (text, a) => Partition(text, text.LastIndexOf(Separator(a), StringComparison.Ordinal), a, true) },
        { "isspace", "", (text, _) => text.Length > 0 && text.All(JinjaText.IsSpace) },
        { "isupper", "", (text, _) => JinjaCasing.IsUpper(text) },
        { "islower", "", (text, _) => JinjaCasing.IsLower(text) },
    };

    private static readonly JinjaTable<JinjaDictionary> s_dictionary = new("dict method")
    {
        { "items", "", (dictionary, _) => new JinjaDictionaryView("dict_items", Entries(dictionary)) },
        { "keys", "", (dictionary, _) => new JinjaDictionaryView("dict_keys", dictionary.Keys.ToArray<object?>()) },
        { "values", "", (dictionary, _) => new JinjaDictionaryView("dict_values", dictionary.Values.ToArray()) },
        { "get", "key, default=none, /",
            (dictionary, a) => dictionary.Has(a[0], out var value) ? value : a[1] },
        { "copy", "", (dictionary, _) => new JinjaDictionary(dictionary) },
    };

    private static readonly JinjaTable<IReadOnlyList<object?>> s_list = new("list method")
    {
        { "count", "value, /", Count },
        { "index", "value, start=0, stop=9223372036854775807, /",
            (list, a) => Index(list, a, a.Integer(1), a.Integer(2)) },
    };

    private static readonly JinjaTable<IReadOnlyList<object?>> s_range = new("range method")
    {
        { "count", "value, /", Count },
        { "index", "value, /", (range, a) => Index(range, a, 0, range.Count) },
    };

    /// <summary>The method of that name bound to its object, or null.</summary>
    public static JinjaFunction? Find(object? value, string name) => value switch
    {
        string text => Bound(s_text, text, name),
        JinjaDictionary dictionary => Bound(s_dictionary, dictionary, name),
        JinjaRange range => Bound(s_range, range, name),
        IReadOnlyList<object?> list => Bound(s_list, list, name),
        _ => null,
    };

    /// <summary>A dictionary's keys and values in pairs.</summary>
    public static List<object?> Entries(JinjaDictionary dictionary) =>
        [.. dictionary.Select(entry => (object?)new object?[] { entry.Key, entry.Value })];

    private static JinjaFunction? Bound<T>(JinjaTable<T> table, T self, string name) =>
        table.Find(name) is { } method ? call => method(self, call) : null;

    private static JinjaTextSearch Part(string text, JinjaArguments arguments) =>
        new(text, arguments.IntegerOrNone(1), arguments.IntegerOrNone(2));

    private static string Separator(JinjaArguments arguments) =>
        arguments.Text(0) is { Length: > 0 } text ? text
        : throw new JinjaException("partition: the separator is empty");

    private static object?[] Partition(string text, int at, JinjaArguments arguments, bool fromEnd) =>
        at >= 0 ? [text[..at], arguments.Text(0), text[(at + arguments.Text(0).Length)..]]
        : fromEnd ? ["", "", text] : [text, "", ""];

    private static string Beside(string text, long width, char fill, bool left, JinjaArguments arguments)
    {
        var missing = Math.Max(0, width - JinjaText.Length(text));
        var result = new JinjaTextBuilder(arguments.Budget);
        return (left ? result.Append(fill.ToString(), missing).Append(text)
            : result.Append(text).Append(fill.ToString(), missing)).ToString();
    }

    private static char Fill(JinjaArguments arguments) => arguments.Text(1) is { Length: 1 } fill ? fill[0]
        : throw new JinjaException("fillchar must be one character");

    // The texts of the parts are made, too.
    private static List<object?> Parts(List<object?> parts, string text, JinjaArguments arguments)
    {
        arguments.Budget.Make(text.Length);
        return parts;
    }

    private static long Found(long place) =>
        place >= 0 ? place : throw new JinjaException("index: the text is not there");

    private static string Joined(string between, JinjaArguments arguments)
    {
        var result = new JinjaTextBuilder(arguments.Budget);
        var first = true;
        foreach (var item in JinjaValue.Items(arguments[0], arguments.Budget))
        {
            if (!first) result.Append(between);
            first = false;
            result.Append(
                item as string ?? throw new JinjaException($"join needs strings, not {JinjaValue.TypeName(item)}"));
        }
        return result.ToString();
    }

    private static object? Count(IReadOnlyList<object?> list, JinjaArguments arguments) =>
        (long)list.Count(item => JinjaValue.AreEqual(item, arguments[0], arguments.Budget));

    private static object? Index(IReadOnlyList<object?> list, JinjaArguments arguments, long start, long stop)
    {
        long Place(long place) => place < 0 ? Math.Max(0, place + list.Count) : place;
        for (var i = Place(start); i < Math.Min(list.Count, Place(stop)); i++)
            if (JinjaValue.AreEqual(list[(int)i], arguments[0], arguments.Budget)) return i;
        throw new JinjaException("index: the item is not in the list");
    }

    private static bool Any(JinjaArguments arguments, Func<string, bool> matches) => arguments[0] switch
    {
        string text => matches(text),
        object?[] tuple => JinjaValue.Items(tuple, arguments.Budget).Any(choice => matches(choice as string
            ?? throw new JinjaException($"a tuple of strings is needed, not one with {JinjaValue.TypeName(choice)}"))),
        _ => throw arguments.Wrong(0, "a string or a tuple of strings"),
    };

    private static bool All(string text, Func<int, bool> holds) =>
        text.Length > 0 && JinjaText.CodePoints(text).All(holds);

    /// <summary>Whether a character is a letter or has a value as a number.</summary>
    public static bool IsAlphanumeric(int code) => IsLetter(code) || IsDigit(code)
        || CharUnicodeInfo.GetNumericValue(JinjaText.Character(code), 0) >= 0;

    private static bool IsLetter(int code) => CharUnicodeInfo.GetUnicodeCategory(code) <= UnicodeCategory.OtherLetter;

    private static bool IsDigit(int code) => CharUnicodeInfo.GetDigitValue(JinjaText.Character(code), 0) >= 0;
}
