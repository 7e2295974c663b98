using System.Buffers;

namespace Crosshead.Text.Jinja;

/// <summary>
/// What Python's strings do to themselves. Their characters are code points, half of a surrogate pair is one too.
/// </summary>
internal static class JinjaText
{
    private static readonly SearchValues<char> s_lineEnds = SearchValues.Create(
        "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029");

    /// <summary>UTF-16 units of the character at a place: 1 or 2.</summary>
    public static int LengthAt(string text, int at) =>
        at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;

    /// <summary>The characters.</summary>
    public static int[] CodePoints(string text)
    {
        var codes = new List<int>(text.Length);
        for (var at = 0; at < text.Length; at += LengthAt(text, at))
            codes.Add(LengthAt(text, at) == 2 ? char.ConvertToUtf32(text, at) : text[at]);
        return [.. codes];
    }

    /// <summary>The text of a character.</summary>
    public static string Character(int code) => code < 0x10000 ? ((char)code).ToString() : char.ConvertFromUtf32(code);

    /// <summary>How many characters there are.</summary>
    public static int Length(ReadOnlySpan<char> text)
    {
        var pairs = 0;
        for (var at = 0; at + 1 < text.Length; at++)
            if (char.IsSurrogatePair(text[at], text[at + 1])) pairs++;
        return text.Length - pairs;
    }

    /// <summary>
    /// The UTF-16 place of the character that is <paramref name="count"/> behind another, or the text's end.
    /// </summary>
    public static int Skip(string text, int at, long count)
    {
        if (!text.AsSpan().ContainsAnyInRange('\ud800', '\udfff')) return (int)Math.Min(text.Length, at + count);
        for (; count > 0 && at < text.Length; count--) at += LengthAt(text, at);
        return at;
    }

    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>Takes the given characters, white space by default, from the ends.</summary>
    public static string Strip(string text, string? characters, bool start, bool end)
    {
        var (first, last) = (0, text.Length);
        var stripped = characters is null ? null : CodePoints(characters).ToHashSet();
        while (start && first < last && IsStripped(first, LengthAt(text, first))) first += LengthAt(text, first);
        while (end && last > first && IsStripped(last - LengthBefore(last), LengthBefore(last)))
            last -= LengthBefore(last);
        return text[first..last];

        int LengthBefore(int at) => at - 2 >= first && char.IsSurrogatePair(text[at - 2], text[at - 1]) ? 2 : 1;
        bool IsStripped(int at, int length) => stripped is null ? IsSpace(text[at])
            : stripped.Contains(length == 2 ? char.ConvertToUtf32(text, at) : text[at]);
    }

    /// <summary>
    /// The parts between separators, runs of white space by default, cut at most <paramref name="maximum"/> times
    /// (without end if negative).
    /// </summary>
    public static List<object?> Split(string text, string? separator, long maximum)
    {
        if (separator == "") throw new JinjaException("split: the separator is empty");
        var parts = new List<object?>();
        var at = 0;
        while (true)
        {
            while (separator is null && at < text.Length && IsSpace(text[at])) at++;
            if (separator is null && at == text.Length) return parts;
            var end = parts.Count == maximum ? -1 : separator is null ? Space(text, at)
                : JinjaSubstring.IndexOf(text, separator, at);
            parts.Add(end < 0 ? text[at..] : text[at..end]);
            if (end < 0) return parts;
            at = end + (separator?.Length ?? 1);
        }
    }

    /// <summary>As <see cref="Split"/>, with the cuts counted from the end.</summary>
    public static List<object?> SplitFromEnd(string text, string? separator, long maximum)
    {
        var parts = Split(Reversed(text), separator is null ? null : Reversed(separator), maximum);
        parts.Reverse();
        return [.. parts.Select(part => (object?)Reversed((string)part!))];
    }

    /// <summary>The lines, which end where Python's do: at more characters than line feeds.</summary>
    public static List<object?> Lines(string text, bool keepEnds)
    {
        var lines = new List<object?>();
        for (var at = 0; at < text.Length;)
        {
            var end = text.AsSpan(at).IndexOfAny(s_lineEnds);
            end = end < 0 ? text.Length : at + end;
            var next = Math.Min(text.Length,
                end + (end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n' ? 2 : 1));
            lines.Add(text[at..(keepEnds ? next : end)]);
            at = next;
        }
        return lines;
    }

    /// <summary>
    /// Replaces, at most <paramref name="count"/> times (everywhere if negative). Nothing stands before every character
    /// and at the end.
    /// </summary>
    public static string Replace(string text, string old, string with, long count, JinjaBudget budget)
    {
        var result = new JinjaTextBuilder(budget);
        var at = 0;
        for (; count != 0 && at <= text.Length; count--)
        {
            var next = JinjaSubstring.IndexOf(text, old, at);
            if (next < 0) break;
            result.Append(text.AsSpan(at, next - at)).Append(with);
            at = next + old.Length;
            if (old.Length > 0) continue;
            var step = at < text.Length ? LengthAt(text, at) : 1;
            result.Append(text.AsSpan(at, Math.Min(step, text.Length - at)));
            at += step;
        }
        return at < text.Length ? result.Append(text.AsSpan(at)).ToString() : result.ToString();
    }

    /// <summary>
    /// Jinja's filter indent: every line but the first (unless <paramref name="first"/>) and the empty ones (unless
    /// <paramref name="blank"/>).
    /// </summary>
    public static string Indent(string text, string indentation, bool first, bool blank, JinjaBudget budget)
    {
        var result = new JinjaTextBuilder(budget);
        var lines = Lines(text + "\n", keepEnds: false);
        for (var i = 0; i < lines.Count; i++)
        {
            var line = (string)lines[i]!;
            if (i > 0) result.Append('\n');
            if (i > 0 ? blank || line.Length > 0 : first) result.Append(indentation);
            result.Append(line);
        }
        return result.ToString();
    }

    private static int Space(string text, int from)
    {
        for (var at = from; at < text.Length; at++)
            if (IsSpace(text[at])) return at;
        return -1;
    }

    private static string Reversed(string text)
    {
        var characters = text.ToCharArray();
        Array.Reverse(characters);
        return new string(characters);
    }
}
