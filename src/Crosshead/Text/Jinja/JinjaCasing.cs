using System.Globalization;
using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>
/// Upper, lower and title case of Python's strings, with mappings to several characters. The table is embedded, and
/// read on first use.
/// </summary>
internal static class JinjaCasing
{
    private const int Sigma = 0x3A3;

    private static readonly Dictionary<int, (string Upper, string Lower, string Title)> s_mappings = [];
    private static readonly HashSet<int> s_cased = [];
    private static readonly HashSet<int> s_ignorable = [];

    static JinjaCasing()
    {
        using var stream = typeof(JinjaCasing).Assembly.GetManifestResourceStream("Crosshead.Text.casing.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(';');
            if (fields[0] is "cased" or "ignorable") AddRanges(fields[0] == "cased" ? s_cased : s_ignorable, fields[1]);
            else if (line[0] != '#') AddMapping(Hex(fields[0]), [.. fields[1..].Select(Characters)]);
        }
    }

    public static string Upper(string text) =>
        Ascii.IsValid(text) ? text.ToUpperInvariant() : Mapped(text, (codes, i) => UpperAt(codes, i));

    public static string Lower(string text) => Ascii.IsValid(text) ? text.ToLowerInvariant() : Mapped(text, LowerAt);

    /// <summary>The first letter in title case, the rest in lower case.</summary>
    public static string Capitalize(string text) =>
        Mapped(text, (codes, i) => i == 0 ? TitleAt(codes, i) : LowerAt(codes, i));

    /// <summary>Python's str.title(): every letter after a character without case begins a word.</summary>
    public static string Title(string text) =>
        Mapped(text, (codes, i) => i > 0 && s_cased.Contains(codes[i - 1]) ? LowerAt(codes, i) : TitleAt(codes, i));

    /// <summary>Jinja's filter title: words begin only after white space and - ( { [ &lt;.</summary>
    public static string TitleWords(string text)
    {
        var result = new StringBuilder();
        for (var at = 0; at < text.Length;)
        {
            var end = at;
            while (end < text.Length && IsBetweenWords(text[end])) end++;
            result.Append(text, at, end - at);
            at = end;
            while (end < text.Length && !IsBetweenWords(text[end])) end++;
            var rest = at + JinjaText.LengthAt(text, at);
            if (at < end) result.Append(Upper(text[at..rest])).Append(Lower(text[rest..end]));
            at = end;
        }
        return result.ToString();
    }

    /// <summary>Whether there are letters in upper case and none in another.</summary>
    public static bool IsUpper(string text) =>
        Cases(text) is var cases && cases.Contains(true) && !cases.Contains(false);

    /// <summary>Whether there are letters in lower case and none in another.</summary>
    public static bool IsLower(string text) =>
        JinjaText.CodePoints(text).Where(s_cased.Contains).ToArray() is { Length: > 0 } letters
        && letters.All(code => Category(code) is not UnicodeCategory.TitlecaseLetter && !IsUpper(code));

    // True for upper, false for lower or title case; characters without a case are left out.
    private static HashSet<bool> Cases(string text) =>
        [.. JinjaText.CodePoints(text).Where(s_cased.Contains).Select(IsUpper)];

    // Beside letters there are Roman numerals and letters in circles, squares and boxes.
    private static bool IsUpper(int code) => Category(code) is UnicodeCategory.UppercaseLetter
        || code is >= 0x2160 and <= 0x216F or >= 0x24B6 and <= 0x24CF or >= 0x1F130 and <= 0x1F189;

    private static UnicodeCategory Category(int code) => CharUnicodeInfo.GetUnicodeCategory(code);

    private static bool IsBetweenWords(char c) => c is '-' or '(' or '{' or '[' or '<' || JinjaText.IsSpace(c);

    private static string Mapped(string text, Func<int[], int, string> map)
    {
        var codes = JinjaText.CodePoints(text);
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < codes.Length; i++) result.Append(map(codes, i));
        return result.ToString();
    }

    private static string UpperAt(int[] codes, int i) =>
        s_mappings.TryGetValue(codes[i], out var mapping) ? mapping.Upper : JinjaText.Character(codes[i]);

    private static string TitleAt(int[] codes, int i) =>
        s_mappings.TryGetValue(codes[i], out var mapping) ? mapping.Title : JinjaText.Character(codes[i]);

    private static string LowerAt(int[] codes, int i) => codes[i] == Sigma ? IsLast(codes, i) ? "ς" : "σ"
        : s_mappings.TryGetValue(codes[i], out var mapping) ? mapping.Lower : JinjaText.Character(codes[i]);

    // Whether a sigma ends a word: letters before it, none behind it.
    private static bool IsLast(int[] codes, int i)
    {
        var (before, behind) = (i - 1, i + 1);
        while (before >= 0 && s_ignorable.Contains(codes[before])) before--;
        while (behind < codes.Length && s_ignorable.Contains(codes[behind])) behind++;
        return before >= 0 && s_cased.Contains(codes[before])
            && !(behind < codes.Length && s_cased.Contains(codes[behind]));
    }

    private static void AddMapping(int code, string[] mapped)
    {
        var upper = mapped[0].Length > 0 ? mapped[0] : JinjaText.Character(code);
        s_mappings.Add(code, (upper, mapped[1].Length > 0 ? mapped[1] : JinjaText.Character(code),
            mapped[2].Length > 0 ? mapped[2] : upper));
    }

    private static void AddRanges(HashSet<int> set, string ranges)
    {
        foreach (var range in ranges.Split(' '))
        {
            var ends = range.Split('-');
            set.UnionWith(Enumerable.Range(Hex(ends[0]), Hex(ends[^1]) - Hex(ends[0]) + 1));
        }
    }

    private static string Characters(string codes) => string.Concat(
        codes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(code => JinjaText.Character(Hex(code))));

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
