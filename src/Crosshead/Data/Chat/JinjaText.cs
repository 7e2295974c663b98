using System.Text;

namespace Crosshead.Data.Chat;

/// <summary>What Python's strings do to themselves.</summary>
internal static class JinjaText
{
    /// <summary>Takes the given characters, white space by default, from the ends.</summary>
    public static string Strip(string text, string? characters, bool start, bool end)
    {
        var (first, last) = (0, text.Length);
        while (start && first < last && IsStripped(text[first])) first++;
        while (end && last > first && IsStripped(text[last - 1])) last--;
        return text[first..last];

        bool IsStripped(char c) => characters is null ? char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f' : characters.Contains(c);
    }

    /// <summary>The parts between separators, runs of white space by default, cut at most <paramref name="maximum"/> times (without end if negative).</summary>
    public static List<object?> Split(string text, string? separator, long maximum)
    {
        if (separator == "") throw new JinjaException("split: the separator is empty");
        var parts = new List<object?>();
        var rest = separator is null ? Strip(text, null, start: true, end: false) : text;
        while (separator is not null || rest.Length > 0)
        {
            var at = separator is null ? Array.FindIndex(rest.ToCharArray(), char.IsWhiteSpace) : rest.IndexOf(separator, StringComparison.Ordinal);
            if (at < 0 || parts.Count == maximum)
            {
                parts.Add(separator is null ? Strip(rest, null, start: false, end: at < 0) : rest);
                break;
            }
            parts.Add(rest[..at]);
            rest = separator is null ? Strip(rest[at..], null, start: true, end: false) : rest[(at + separator.Length)..];
        }
        return parts;
    }

    /// <summary>As <see cref="Split"/>, with the cuts counted from the end.</summary>
    public static List<object?> SplitFromEnd(string text, string? separator, long maximum)
    {
        var parts = Split(Reversed(text), separator is null ? null : Reversed(separator), maximum);
        parts.Reverse();
        return [.. parts.Select(part => (object?)Reversed((string)part!))];
    }

    public static List<object?> Lines(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n').ToList<object?>();
        if (lines[^1] is "") lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    /// <summary>Replaces, at most <paramref name="count"/> times (everywhere if negative).</summary>
    public static string Replace(string text, string old, string with, long count)
    {
        if (old.Length > 0 && count < 0) return text.Replace(old, with, StringComparison.Ordinal);
        var result = new StringBuilder();
        var at = 0;
        for (; count != 0 && at <= text.Length; count--)
        {
            var next = text.IndexOf(old, at, StringComparison.Ordinal);
            if (next < 0) break;
            result.Append(text, at, next - at).Append(with);
            at = next + old.Length;
            // Nothing stands before every character and at the end.
            if (old.Length > 0) continue;
            if (at < text.Length) result.Append(text[at]);
            at++;
        }
        return at < text.Length ? result.Append(text, at, text.Length - at).ToString() : result.ToString();
    }

    public static string Capitalize(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Title(string text)
    {
        var result = text.ToLowerInvariant().ToCharArray();
        for (var i = 0; i < result.Length; i++)
            if (i == 0 || !char.IsLetter(result[i - 1])) result[i] = char.ToUpperInvariant(result[i]);
        return new string(result);
    }

    /// <summary>Indents every line but the first (unless <paramref name="first"/>) and the blank ones (unless <paramref name="blank"/>).</summary>
    public static string Indent(string text, string indentation, bool first, bool blank) =>
        string.Join('\n', text.Split('\n').Select((line, i) => (i > 0 ? blank || line.Length > 0 : first) ? indentation + line : line));

    private static string Reversed(string text)
    {
        var characters = text.ToCharArray();
        Array.Reverse(characters);
        return new string(characters);
    }
}
