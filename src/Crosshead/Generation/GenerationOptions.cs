namespace Crosshead.Generation;

/// <summary>How much is generated and where it ends.</summary>
public sealed record GenerationOptions
{
    /// <summary>Largest <see cref="Batch"/>.</summary>
    public const int MostBatch = 4096;

    /// <summary>
    /// Maximum number of new tokens per sequence, at least 1. The model's context may end a sequence earlier.
    /// </summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>
    /// New tokens per sequence before which neither an end token nor a stop string ends it, 0 to
    /// <see cref="MaxTokens"/>.
    /// </summary>
    public int MinTokens { get; init; }

    /// <summary>
    /// Texts that end a sequence when they are written. The one that begins first counts, the longest of several.
    /// </summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Whether the stop string is part of the returned text.</summary>
    public bool IncludesStopString { get; init; }

    /// <summary>
    /// Tokens that end a sequence when they are drawn. They are part of the ids, and not of the returned text.
    /// </summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>
    /// Whether special tokens are left out of the returned text. A parser of answers may need them, see
    /// <see cref="Crosshead.Text.Chat.Answers.AnswerFormat.NeedsSpecialTokens"/>.
    /// </summary>
    public bool SkipsSpecialTokens { get; init; } = true;

    /// <summary>How tokens are drawn.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>
    /// Maximum number of prompts continued side by side, 1 to 4096. The next prompt begins when a sequence ends.
    /// </summary>
    public int Batch { get; init; } = 32;

    /// <summary>
    /// Maximum number of prompt tokens computed at once, at least 1. It limits the memory of a long prompt.
    /// </summary>
    public int PrefillChunk { get; init; } = 512;

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range; the message names it and the
    /// range.</exception>
    public void Validate()
    {
        if (MaxTokens < 1) throw new CrossheadException($"maxTokens ({MaxTokens}) must be at least 1.");
        if (MinTokens < 0 || MinTokens > MaxTokens)
            throw new CrossheadException($"minTokens ({MinTokens}) must be 0 to maxTokens ({MaxTokens}).");
        if (Batch is < 1 or > MostBatch)
            throw new CrossheadException($"batch ({Batch}) must be 1 to {MostBatch}.");
        if (PrefillChunk < 1)
            throw new CrossheadException($"prefillChunk ({PrefillChunk}) must be at least 1; the default is 512.");
        if (StopStrings.Any(string.IsNullOrEmpty))
            throw new CrossheadException(
                "a stop string is empty (\"\"), which would end every text at once; remove it.");
        Sampling.Validate();
    }
}
