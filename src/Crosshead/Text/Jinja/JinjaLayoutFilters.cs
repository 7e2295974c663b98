using System.Text;

namespace Crosshead.Text.Jinja;

/// <summary>The filters that lay text out, or write it in another form.</summary>
internal static class JinjaLayoutFilters
{
    private const long Leeway = 5; // of Jinja's policy "truncate.leeway"

    public static void AddTo(JinjaTable<object?> table)
    {
        table.Add("center", "width=80", (x, a) => Padded(JinjaValue.ToText(x, a.Budget), a.Integer(0), a.Budget));
        table.Add("truncate", "length=255, killwords=false, end='...', leeway=none", Truncated);
        table.Add("wordcount", "", (x, a) => (long)Words(JinjaValue.ToText(x, a.Budget)));
        table.Add("filesizeformat", "binary=false", FileSize);
        table.Add("urlencode", "", UrlEncoded);
        table.Add("format", "*rest, **named", (x, a) => a.Rest.Count > 0 && a.Named.Count > 0
            ? throw new JinjaException("format takes values by position or by name, not both")
            : JinjaOperators.Apply("%", JinjaValue.ToText(x, a.Budget),
                a.Named.Count > 0 ? new JinjaDictionary(a.Named) : a.Rest.ToArray(), a.Budget));
        table.Add("attr", "name", (x, a) => JinjaMethods.Find(x, a.Text(0)) ?? (x is JinjaLoop loop
            && loop.TryGet(a.Text(0), out var value) ? value : x is JinjaNamespace space
            && space.Attributes.TryGetValue(a.Text(0), out var attribute) ? attribute
            : new JinjaUndefined($"{JinjaValue.TypeName(x)} has no attribute '{a.Text(0).Shown()}'")));
    }

    /// <summary>Python's str.center().</summary>
    public static string Padded(string text, long width, JinjaBudget budget, char fill = ' ')
    {
        var missing = Math.Max(0, width - JinjaText.Length(text));
        var left = missing / 2 + (missing & width & 1);
        return new JinjaTextBuilder(budget).Append(fill.ToString(), left).Append(text)
            .Append(fill.ToString(), missing - left).ToString();
    }

    private static string Truncated(object? value, JinjaArguments arguments)
    {
        var (text, length, end) = (JinjaValue.ToText(value, arguments.Budget), arguments.Integer(0), arguments.Text(2));
        var leeway = arguments.IntegerOrNone(3) ?? Leeway;
        var kept = length - JinjaText.Length(end);
        if (kept < 0) throw new JinjaException($"truncate: length ({length}) must be at least that of the end");
        if (leeway < 0) throw new JinjaException($"truncate: leeway ({leeway}) must not be negative");
        if (JinjaText.Length(text) <= length + leeway) return text;
        var part = text[..JinjaText.Skip(text, 0, kept)];
        var space = arguments.IsTrue(1) ? -1 : part.LastIndexOf(' ');
        return (space < 0 ? part : part[..space]) + end;
    }

    // Runs of letters, digits and underscores.
    private static int Words(string text)
    {
        var (count, inWord) = (0, false);
        foreach (var code in JinjaText.CodePoints(text))
        {
            var isPart = code == '_' || JinjaMethods.IsAlphanumeric(code);
            if (isPart && !inWord) count++;
            inWord = isPart;
        }
        return count;
    }

    private static string FileSize(object? value, JinjaArguments arguments)
    {
        var bytes = value is string text ? JinjaNumber.ReadFloat(text)
            ?? throw JinjaFilters.Wrong("filesizeformat", "a number", value)
            : JinjaNumber.Is(value) ? JinjaNumber.Double(value)
            : throw JinjaFilters.Wrong("filesizeformat", "a number", value);
        var binary = arguments.IsTrue(0);
        var scale = binary ? 1024.0 : 1000.0;
        if (bytes == 1) return "1 Byte";
        if (bytes < scale) return $"{JinjaNumber.Truncated(bytes)} Bytes";
        const string Prefixes = "kMGTPEZY";
        var unit = scale * scale;
        for (var i = 0; ; i++, unit *= scale)
            if (bytes < unit || i == Prefixes.Length - 1)
                return JinjaNumberText.Write(scale * bytes / unit, 'f', 1, false)
                    + $" {(binary ? $"{char.ToUpperInvariant(Prefixes[i])}i" : Prefixes[i])}B";
    }

    private static string UrlEncoded(object? value, JinjaArguments arguments)
    {
        if (value is string || value is not (JinjaDictionary or IReadOnlyCollection<object?>))
            return Quoted(JinjaValue.ToText(value, arguments.Budget), "/", arguments.Budget);
        var pairs = value is JinjaDictionary dictionary ? JinjaMethods.Entries(dictionary)
            : JinjaValue.Items(value, arguments.Budget);
        return string.Join('&', pairs.Select(pair => JinjaValue.Items(pair, arguments.Budget).ToArray()
            is { Length: 2 } parts ? $"{Field(parts[0])}={Field(parts[1])}"
            : throw new JinjaException("urlencode needs a text, a dict or pairs")));

        string Field(object? part) => Quoted(JinjaValue.ToText(part, arguments.Budget), "", arguments.Budget)
            .Replace("%20", "+", StringComparison.Ordinal);
    }

    private static string Quoted(string text, string safe, JinjaBudget budget)
    {
        var result = new JinjaTextBuilder(budget);
        foreach (var b in Encoding.UTF8.GetBytes(text))
            if (b < 128 && (char.IsAsciiLetterOrDigit((char)b) || "_.-~".Contains((char)b) || safe.Contains((char)b)))
                result.Append((char)b);
            else result.Append($"%{b:X2}");
        return result.ToString();
    }
}
