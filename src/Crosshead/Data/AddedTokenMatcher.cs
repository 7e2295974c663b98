using System.Buffers;

namespace Crosshead.Data;

/// <summary>Finds added tokens in text: the leftmost, of those that begin there the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly AddedToken[] _longestFirst;
    private readonly SearchValues<char> _firsts;

    public AddedTokenMatcher(IEnumerable<AddedToken> tokens)
    {
        _longestFirst = [.. tokens.OrderByDescending(token => token.Content.Length)];
        _firsts = SearchValues.Create(_longestFirst.Select(token => token.Content[0]).Distinct().ToArray());
    }

    /// <summary>The next added token and where it begins, or null.</summary>
    public AddedToken? Next(ReadOnlySpan<char> text, out int index)
    {
        for (index = text.IndexOfAny(_firsts); index >= 0;)
        {
            foreach (var token in _longestFirst)
                if (text[index..].StartsWith(token.Content, StringComparison.Ordinal))
                    return token;
            var further = text[(index + 1)..].IndexOfAny(_firsts);
            index = further < 0 ? -1 : index + 1 + further;
        }
        return null;
    }
}
