namespace Crosshead.Text.Jinja;

/// <summary>
/// Finds a text in another, in time linear in both. Long texts use the search of Knuth, Morris and Pratt, because
/// .NET's search is quadratic for some texts.
/// </summary>
internal static class JinjaSubstring
{
    private const int Short = 64;

    /// <summary>The UTF-16 place where a part stands first at or behind another place, or -1.</summary>
    public static int IndexOf(string text, string part, int from = 0) =>
        IndexOf(text.AsSpan(from), part) is >= 0 and var at ? from + at : -1;

    /// <summary>The place where a part stands first, or -1.</summary>
    public static int IndexOf(ReadOnlySpan<char> text, ReadOnlySpan<char> part)
    {
        if (part.Length <= Short) return text.IndexOf(part, StringComparison.Ordinal);
        // For each beginning of the part, the length of the longest shorter beginning that it ends with.
        var borders = new int[part.Length];
        for (int i = 1, length = 0; i < part.Length; i++)
        {
            while (length > 0 && part[i] != part[length]) length = borders[length - 1];
            if (part[i] == part[length]) length++;
            borders[i] = length;
        }
        for (int i = 0, matched = 0; i < text.Length; i++)
        {
            while (matched > 0 && text[i] != part[matched]) matched = borders[matched - 1];
            if (text[i] == part[matched]) matched++;
            if (matched == part.Length) return i + 1 - part.Length;
        }
        return -1;
    }

    /// <summary>The place where a part stands last, or -1.</summary>
    public static int LastIndexOf(ReadOnlySpan<char> text, ReadOnlySpan<char> part)
    {
        if (part.Length <= Short) return part.IsEmpty ? text.Length : text.LastIndexOf(part, StringComparison.Ordinal);
        var (reversed, wanted) = (text.ToArray(), part.ToArray());
        Array.Reverse(reversed);
        Array.Reverse(wanted);
        return IndexOf(reversed, wanted.AsSpan()) is >= 0 and var at ? text.Length - at - part.Length : -1;
    }

    /// <summary>How often a part, which is not empty, stands in the text, one after the other.</summary>
    public static long Count(ReadOnlySpan<char> text, ReadOnlySpan<char> part)
    {
        var count = 0L;
        for (int at; (at = IndexOf(text, part)) >= 0; count++) text = text[(at + part.Length)..];
        return count;
    }
}
