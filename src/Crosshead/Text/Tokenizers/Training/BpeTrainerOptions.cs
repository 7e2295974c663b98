using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Training;

/// <summary>How a byte-level BPE vocabulary is trained.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>
    /// Tokens wanted, special tokens and the 256 bytes included. A text with too few repeated pairs ends with fewer.
    /// </summary>
    public int VocabularySize { get; init; } = 8192;

    /// <summary>How words are cut.</summary>
    public PreTokenizerPattern Pattern { get; init; } = PreTokenizerPattern.Gpt2;

    /// <summary>A pair that occurs less often is not merged.</summary>
    public int MinFrequency { get; init; } = 2;

    /// <summary>Tokens that stand for themselves, in order from id 0. The first is the end token.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["<|endoftext|>"];

    /// <summary>
    /// Characters after which reading stops: the counts of more text hardly change, and memory stays bounded.
    /// </summary>
    public long MaxCharacters { get; init; } = 2_000_000_000;

    /// <summary>Number of threads that count words. The result does not depend on it.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Checks every range.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        var least = 256 + SpecialTokens.Count;
        if (VocabularySize < least || VocabularySize > 1_000_000)
            throw new CrossheadException($"vocabularySize ({VocabularySize}) must be between {least} (256 bytes and "
                + $"{SpecialTokens.Count} special tokens) and 1000000.");
        if (!Enum.IsDefined(Pattern))
            throw new CrossheadException(
                $"pattern ({Pattern}) must be one of {string.Join(", ", Enum.GetNames<PreTokenizerPattern>())}.");
        if (MinFrequency < 1)
            throw new CrossheadException($"minFrequency ({MinFrequency}) must be at least 1.");
        if (MaxCharacters < 1)
            throw new CrossheadException($"maxCharacters ({MaxCharacters}) must be at least 1.");
        if (Workers < 1)
            throw new CrossheadException($"workers ({Workers}) must be at least 1.");
        if (SpecialTokens.FirstOrDefault(token => token.Length < 2) is { } tooShort)
            throw new CrossheadException(
                $"special token \"{tooShort.Shown()}\" must have at least 2 characters, such as <|endoftext|>.");
        if (SpecialTokens.GroupBy(token => token).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new CrossheadException(
                $"special token \"{twice.Key.Shown()}\" is given {twice.Count()} times; give it once.");
    }
}
