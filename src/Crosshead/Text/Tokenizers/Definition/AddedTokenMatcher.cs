using System.Buffers;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// Finds added tokens in text like Hugging Face's tokenizers: the leftmost token first, among equals the longest, and
/// then the tokens after it. A token that its flags reject is skipped.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly SearchValues<string> _any;
    private readonly string[] _texts;      // in ordinal order
    private readonly AddedToken[] _tokens; // of each text
    private readonly int[] _shorter;       // the longest other text that each begins with, -1 for none

    /// <summary>Matches <paramref name="tokens"/> by their contents after <paramref name="normalizer"/>.</summary>
    public AddedTokenMatcher(IEnumerable<AddedToken> tokens, INormalizer normalizer)
    {
        var entries = tokens.Select(token => new Entry(normalizer.Normalize(token.Content) ?? token.Content, token))
            .Where(entry => entry.Text.Length > 0).DistinctBy(entry => entry.Text)
            .OrderBy(entry => entry.Text, StringComparer.Ordinal).ToList();
        _texts = [.. entries.Select(entry => entry.Text)];
        _tokens = [.. entries.Select(entry => entry.Token)];
        _any = SearchValues.Create(_texts, StringComparison.Ordinal);
        _shorter = new int[_texts.Length];
        for (var i = 0; i < _texts.Length; i++)
            _shorter[i] = LongestOf(i - 1, _texts[i]);
    }

    /// <summary>Whether any token may be in the text.</summary>
    public bool Any(ReadOnlySpan<char> text) => _texts.Length > 0 && text.ContainsAny(_any);

    /// <summary>Cuts a text at its tokens.</summary>
    /// <param name="text">The text.</param>
    /// <param name="special">Whether special tokens are read too.</param>
    public List<TextPiece> Split(ReadOnlySpan<char> text, bool special)
    {
        var pieces = new List<TextPiece>();
        var done = 0;
        for (var index = Next(text, 0); index < text.Length;)
        {
            var (content, token) = LongestAt(text[index..]);
            var (start, end) = (index, index + content.Length);
            index = Next(text, end);
            if ((token.Special && !special) || (token.SingleWord
                && (CharacterClass.IsWordBefore(text, start) || CharacterClass.IsWordAt(text, end))))
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
        var (from, to) = (0, _texts.Length);
        while (from < to)
        {
            var middle = (from + to) / 2;
            if (text.SequenceCompareTo(_texts[middle]) < 0) to = middle;
            else from = middle + 1;
        }
        // Whatever stands between a text that is found here and the last one before the rest of the text begins with
        // it.
        var found = LongestOf(from - 1, text);
        return (_texts[found], _tokens[found]);
    }

    // The longest text that another begins with, among the one of an index and those that this one begins with; -1 for
    // none.
    private int LongestOf(int index, ReadOnlySpan<char> text)
    {
        while (index >= 0 && !text.StartsWith(_texts[index], StringComparison.Ordinal)) index = _shorter[index];
        return index;
    }

    private sealed record Entry(string Text, AddedToken Token);
}
