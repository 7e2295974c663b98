using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Crosshead.Data.Corpora;

/// <summary>Cleans a paragraph of documentation and decides whether it reads as English.</summary>
internal static partial class DocumentationProse
{
    private static readonly SearchValues<char> NumberMarks = SearchValues.Create("0123456789-.");

    // Beginnings of paragraphs that say nothing about their member.
    private static readonly string[] Boilerplate =
    [
        "to be added", "for a description of this member", "this api supports", "this type supports",
        "this member supports", "this method supports",
        "this property supports", "this class supports", "this constructor supports", "reserved for internal use",
        "for internal use only",
        "this is an internal api", "this api is not intended", "infrastructure.", "inheritdoc",
    ];

    /// <summary>
    /// Cleans a paragraph. Any run of blank characters becomes one space. The space that a dropped element leaves
    /// before punctuation is removed. The Markdown of a few generated pages is removed, too: links, emphasis, escapes.
    /// </summary>
    public static string Clean(string paragraph)
    {
        if (paragraph.Contains("](", StringComparison.Ordinal))
            paragraph = MarkdownLink().Replace(paragraph, "$1").Replace("**", "", StringComparison.Ordinal);
        var clean = new StringBuilder(paragraph.Length);
        var pending = false;
        for (var i = 0; i < paragraph.Length; i++)
        {
            var c = paragraph[i];
            if (char.IsWhiteSpace(c) || c is '\u200b' or '\ufeff' or '\u00ad')
            {
                pending = clean.Length > 0;
                continue;
            }
            if (char.IsControl(c) || c == '`') continue;
            if (c == '\\' && i + 1 < paragraph.Length
                && paragraph[i + 1] is '_' or '$' or '*' or '[' or ']' or '<' or '>' or '#')
                continue;
            // ".NET" keeps the space before it; a lone "." does not.
            var closes = c is ',' or ';' or ')' or ']'
                || c is '.' or ':' or '?' or '!' && (i + 1 == paragraph.Length || char.IsWhiteSpace(paragraph[i + 1]));
            if (pending && !closes && clean[^1] is not ('(' or '[')) clean.Append(' ');
            pending = false;
            clean.Append(c);
        }
        // A sentence that ends with "etc." can have two periods; one of them is removed.
        if (clean.Length > 2 && clean[^1] == '.' && clean[^2] == '.' && clean[^3] != '.') clean.Length--;
        return clean.ToString();
    }

    /// <summary>
    /// Returns whether the paragraph is mostly words and carries information. Signatures, listings and opcodes are
    /// refused.
    /// </summary>
    public static bool IsWorthKeeping(string paragraph)
    {
        if (paragraph.Length < 4) return false;
        foreach (var beginning in Boilerplate)
            if (paragraph.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)) return false;

        var words = 0;
        var others = 0;
        foreach (var range in paragraph.AsSpan().Split(' '))
        {
            var token = paragraph.AsSpan(range).Trim(".,;:!?()[]\"'");
            if (!token.ContainsAnyExcept(NumberMarks)) continue; // Numbers speak neither way.
            if (IsWord(token, first: range.Start.Value == 0)) words++;
            else others++;
        }
        return words >= 2 && words >= 2 * others;
    }

    // A word has letters, and may have hyphens, dots, slashes or an apostrophe. Short capitalised tokens are registers
    // (Qd), except at the start.
    private static bool IsWord(ReadOnlySpan<char> token, bool first)
    {
        if (token.Length == 1) return token[0] is 'a' or 'A' or 'I';
        if (token.Length == 2 && !first && !char.IsLower(token[0])) return false;
        var lower = 0;
        foreach (var c in token)
        {
            if (char.IsLower(c)) lower++;
            else if (!char.IsLetter(c) && c is not ('-' or '\'' or '\u2019' or '.' or '/')) return false;
        }
        return lower > 0;
    }

    [GeneratedRegex(@"\[([^\[\]]*)\]\([^()]*\)")]
    private static partial Regex MarkdownLink();
}
