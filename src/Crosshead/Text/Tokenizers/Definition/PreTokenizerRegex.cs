namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// The regular expressions behind <see cref="PreTokenizerPattern"/>, as tokenizer.json files write them.
/// </summary>
internal static class PreTokenizerRegex
{
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    public const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        + @"\s*[\r\n]+|\s+(?!\S)|\s+";

    public const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        + @"\s*[\r\n]+|\s+(?!\S)|\s+";

    public const string Tekken =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
        + @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|"
        + @" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>
    /// The pattern that cuts words as a split does, or null. Each pattern matches any text as a whole, so nothing lies
    /// between its matches.
    /// </summary>
    public static PreTokenizerPattern? PatternOf(TextSplit split) =>
        (split.Behavior, split.Inverted) is (SplitBehavior.Isolated, _) or (SplitBehavior.Removed, true)
        ? PatternOf(split.Expression) : null;

    private static PreTokenizerPattern? PatternOf(string regex) => regex switch
    {
        Gpt2 => PreTokenizerPattern.Gpt2,
        Llama3 => PreTokenizerPattern.Llama3,
        Qwen2 => PreTokenizerPattern.Qwen2,
        Tekken => PreTokenizerPattern.Tekken,
        _ => null,
    };

    /// <summary>The expression that a <c>Split</c> pre-tokenizer has for a pattern.</summary>
    public static string Of(PreTokenizerPattern pattern) => pattern switch
    {
        PreTokenizerPattern.Llama3 => Llama3,
        PreTokenizerPattern.Qwen2 => Qwen2,
        PreTokenizerPattern.Tekken => Tekken,
        _ => Gpt2,
    };
}
