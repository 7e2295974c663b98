using Crosshead.Text.Tokenizers.Expressions;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>Cuts text at the matches of a regular expression, before words are cut.</summary>
/// <param name="Expression">The expression, in Oniguruma's syntax as tokenizer.json has it.</param>
/// <param name="Behavior">What becomes of the matches.</param>
/// <param name="Inverted">Whether what lies between matches counts as the matches.</param>
internal sealed record TextSplit(string Expression, SplitBehavior Behavior = SplitBehavior.Isolated,
    bool Inverted = false)
{
    /// <summary>Every digit of any script alone.</summary>
    public static readonly TextSplit Digits = new(@"\p{N}");

    /// <summary>The split by a text as it stands.</summary>
    public static TextSplit By(string text, SplitBehavior behavior, bool inverted) =>
        new(OnigurumaExpression.Escape(text), behavior, inverted);

    /// <summary>What of the expression is not supported; null if all of it is.</summary>
    public string? Unsupported => OnigurumaExpression.Unsupported(Expression);

    /// <summary>The pieces that several splits, one after the other, cut a text into.</summary>
    public static List<(int Start, int End)> Cut(ReadOnlySpan<char> text, IReadOnlyList<TextSplit> splits)
    {
        List<(int Start, int End)> pieces = [(0, text.Length)];
        foreach (var split in splits)
        {
            var smaller = new List<(int, int)>(pieces.Count);
            foreach (var (start, end) in pieces) split.Cut(text[start..end], start, smaller);
            pieces = smaller;
        }
        return pieces;
    }

    // Appends the pieces of a text that begins at an offset of another one.
    private void Cut(ReadOnlySpan<char> text, int offset, List<(int Start, int End)> pieces)
    {
        var first = pieces.Count;
        var wasMatch = false;
        foreach (var (start, end, isMatch) in Behavior == SplitBehavior.MergedWithNext ? Parts(text).AsEnumerable()
            .Reverse() : Parts(text))
        {
            var joins = pieces.Count > first && Behavior switch
            {
                SplitBehavior.Contiguous => isMatch == wasMatch,
                SplitBehavior.MergedWithPrevious or SplitBehavior.MergedWithNext => isMatch && !wasMatch,
                _ => false,
            };
            wasMatch = isMatch;
            if (joins)
                pieces[^1] = (Math.Min(pieces[^1].Start, offset + start), Math.Max(pieces[^1].End, offset + end));
            else if (!isMatch || Behavior != SplitBehavior.Removed)
                pieces.Add((offset + start, offset + end));
        }
        if (Behavior == SplitBehavior.MergedWithNext) pieces.Reverse(first, pieces.Count - first);
    }

    // The matches and what lies between them; together they are the text.
    private List<(int Start, int End, bool IsMatch)> Parts(ReadOnlySpan<char> text)
    {
        var parts = new List<(int, int, bool)>();
        var done = 0;
        foreach (var (start, end) in ExpressionMatches.Of(Expression, text))
        {
            if (start > done) parts.Add((done, start, Inverted));
            parts.Add((start, end, !Inverted));
            done = end;
        }
        if (done < text.Length) parts.Add((done, text.Length, Inverted));
        return parts;
    }
}
