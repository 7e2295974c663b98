namespace Crosshead.Evaluation.Answers;

/// <summary>Answers that are words: <c>\text{(B)}</c> and B, <c>\text{no solution}</c> and No solution.</summary>
internal static class WordAnswer
{
    // Of fewer letters without \text, an answer may be a product of variables.
    private const int ShortestWord = 4;

    /// <summary>
    /// Whether both answers are the same words, without regard to case and spaces; null if they may be mathematics.
    /// </summary>
    public static bool? AreEqual(IReadOnlyList<MathToken> first, IReadOnlyList<MathToken> second)
    {
        if (Marked(first) is { } a && Marked(second) is { } b && (IsMarked(first) || IsMarked(second)))
            return string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
        if ((IsMarked(first) || IsMarked(second)) && IsPlain(first) && IsPlain(second)
            && string.Equals(Spaceless(first), Spaceless(second), StringComparison.OrdinalIgnoreCase))
            return true;
        if (Letters(first) is not { } x || Letters(second) is not { } y) return null;
        // Capitals tell variables apart, but Even and even are one word.
        return x.Length > 2 && Uncapitalised(x) == Uncapitalised(y) ? true : IsWord(x) || IsWord(y) ? false : null;
    }

    // Three capitals name something, an order of finishing or a triangle.
    private static bool IsWord(string letters) =>
        letters.Length >= ShortestWord || (letters.Length == ShortestWord - 1 && letters.All(char.IsAsciiLetterUpper));

    private static bool IsPlain(IReadOnlyList<MathToken> tokens) =>
        tokens.All(token => token.Kind is MathTokenKind.Text or MathTokenKind.Letter or MathTokenKind.Number);

    private static string Spaceless(IReadOnlyList<MathToken> tokens) =>
        string.Concat(tokens.SelectMany(token => token.Text).Where(c => !char.IsWhiteSpace(c)));

    private static bool IsMarked(IReadOnlyList<MathToken> tokens) =>
        tokens.Any(token => token.Kind == MathTokenKind.Text);

    // Words and letters without the brackets and points around them, or null where there is anything else.
    private static string? Marked(IReadOnlyList<MathToken> tokens) =>
        tokens.All(token => token.Kind is MathTokenKind.Text or MathTokenKind.Letter
            || token is { Kind: MathTokenKind.Symbol, Text: "(" or ")" or "." or "," or "'" or "-" or ":" })
            ? string.Concat(tokens.SelectMany(token => token.Text)
                .Where(c => !char.IsWhiteSpace(c) && c is not ('(' or ')' or '.' or '\'' or ':'))) : null;

    private static string? Letters(IReadOnlyList<MathToken> tokens) =>
        tokens.All(token => token.Kind == MathTokenKind.Letter)
        ? string.Concat(tokens.Select(token => token.Text)) : null;

    private static string Uncapitalised(string word) =>
        word[1..].All(char.IsAsciiLetterLower) ? word.ToLowerInvariant() : word;
}
