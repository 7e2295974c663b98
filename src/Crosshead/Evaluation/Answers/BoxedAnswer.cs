namespace Crosshead.Evaluation.Answers;

/// <summary>
/// The final answer that a solution puts into <c>\boxed{…}</c>. As the scorers of MATH do, the last box counts,
/// <c>\fbox</c> only where there is no <c>\boxed</c>, and a last box that never closes is no answer: the solution was
/// cut off inside it.
/// </summary>
public static class BoxedAnswer
{
    /// <summary>
    /// What stands in the last box of <paramref name="text"/>, trimmed; null without a box. Braces inside it balance,
    /// and <c>\{</c> and <c>\}</c> are characters rather than braces. <c>\boxed 5</c> holds all up to the next <c>$</c>
    /// or line end.
    /// </summary>
    public static string? Last(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Last(text, @"\boxed") is { } start ? Content(text, start)
            : Last(text, @"\fbox") is { } other ? Content(text, other)
            : null;
    }

    // The position after the command's last occurrence; \boxedx would be another command.
    private static int? Last(string text, string command)
    {
        for (var at = text.LastIndexOf(command, StringComparison.Ordinal); at >= 0; at = at == 0 ? -1
            : text.LastIndexOf(command, at - 1, StringComparison.Ordinal))
            if (at + command.Length == text.Length || !char.IsAsciiLetter(text[at + command.Length]))
                return at + command.Length;
        return null;
    }

    private static string? Content(string text, int start)
    {
        while (start < text.Length && text[start] is ' ' or '\t') start++;
        if (start == text.Length) return null;
        if (text[start] != '{')
        {
            var end = text.AsSpan(start).IndexOfAny('$', '\n');
            var bare = (end < 0 ? text[start..] : text.Substring(start, end)).Trim();
            return bare.Length == 0 ? null : bare;
        }
        var depth = 0;
        for (var i = start; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == '{') depth++;
            else if (text[i] == '}' && --depth == 0) return text[(start + 1)..i].Trim();
        }
        return null;
    }
}
