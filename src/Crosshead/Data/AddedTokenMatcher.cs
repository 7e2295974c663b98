using System.Buffers;

namespace Crosshead.Data;

/// <summary>
/// Finds added tokens in text as Hugging Face's tokenizers do: the leftmost, of those that begin there the longest,
/// then what follows it. A token that its flags reject has still been passed over.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly SearchValues<string> _any;
    private readonly Dictionary<char, (string Text, AddedToken Token)[]> _byFirst; // the longest first

    /// <summary>Matches <paramref name="tokens"/> by what <paramref name="normalizer"/> makes of their contents.</summary>
    public AddedTokenMatcher(IEnumerable<AddedToken> tokens, INormalizer normalizer)
    {
        var texts = tokens.Select(token => (Text: normalizer.Normalize(token.Content) ?? token.Content, Token: token)).Where(entry => entry.Text.Length > 0).ToList();
        _any = SearchValues.Create([.. texts.Select(entry => entry.Text)], StringComparison.Ordinal);
        _byFirst = texts.GroupBy(entry => entry.Text[0]).ToDictionary(group => group.Key, group => group.OrderByDescending(entry => entry.Text.Length).ToArray());
    }

    /// <summary>Whether any token may be in the text.</summary>
    public bool Any(ReadOnlySpan<char> text) => _byFirst.Count > 0 && text.ContainsAny(_any);

    /// <summary>Cuts a text at its tokens.</summary>
    /// <param name="text">The text.</param>
    /// <param name="special">Whether special tokens are read, too.</param>
    public List<TextPiece> Split(ReadOnlySpan<char> text, bool special)
    {
        var pieces = new List<TextPiece>();
        var done = 0;
        for (var index = Next(text, 0); index < text.Length;)
        {
            var (content, token) = LongestAt(text[index..]);
            var (start, end) = (index, index + content.Length);
            index = Next(text, end);
            if ((token.Special && !special) || (token.SingleWord && (CharacterClass.IsWordBefore(text, start) || CharacterClass.IsWordAt(text, end))))
                continue;
            if (token.StripLeft)
                start = Math.Max(done, text[..start].TrimEnd().Length);
            if (token.StripRight)
                end = text.Length - text[end..].TrimStart().Length;
            if (done < start)
                pieces.Add(new TextPiece(done, start, TextPiece.Plain));
            pieces.Add(new TextPiece(start, end, token.Id));
            done = end;
        }
        if (done < text.Length)
            pieces.Add(new TextPiece(done, text.Length, TextPiece.Plain));
        return pieces;
    }

    private int Next(ReadOnlySpan<char> text, int from)
    {
        var index = text[from..].IndexOfAny(_any);
        return index < 0 ? text.Length : from + index;
    }

    private (string Text, AddedToken Token) LongestAt(ReadOnlySpan<char> text)
    {
        foreach (var entry in _byFirst[text[0]])
            if (text.StartsWith(entry.Text, StringComparison.Ordinal))
                return entry;
        throw new InvalidOperationException("the search found a token that is none.");
    }
}
