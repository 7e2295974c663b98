using Crosshead.TextModels;

namespace Crosshead.Compression;

/// <summary>How text is cut into windows of tokens, and how many windows are computed at once.</summary>
public sealed record WindowOptions
{
    /// <summary>Longest window, in tokens, if <see cref="Length"/> is null.</summary>
    public const int LongestByDefault = 2048;

    /// <summary>
    /// Number of tokens per window, at least 2. Null means the model's context, at most <see cref="LongestByDefault"/>.
    /// </summary>
    public int? Length { get; init; }

    /// <summary>Largest number of windows per text, at least 1. The windows are spread over the text.</summary>
    public int Most { get; init; } = 128;

    /// <summary>Number of windows computed at once, at least 1.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>Checks that all values are in range.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        if (Length is < 2)
            throw new CrossheadException($"a window of {Length} tokens predicts nothing; use at least 2.");
        if (Most < 1) throw new CrossheadException($"the number of windows ({Most}) must be at least 1.");
        if (Batch < 1) throw new CrossheadException($"batch ({Batch}) must be at least 1 window.");
    }

    /// <summary>
    /// Cuts a text into windows. Each window starts with the begin token of the model's tokenizer, if there is one.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="what">The name of the text in messages.</param>
    /// <param name="model">The model whose tokenizer and context are used.</param>
    /// <exception cref="CrossheadException">The text is too short, or a window is longer than the model's
    /// context.</exception>
    public TokenWindows Cut(string text, string what, IModelSource model)
    {
        Validate();
        var (context, tokenizer) = (model.Options.Context, model.Tokenizer);
        var length = Length ?? Math.Min(context, LongestByDefault);
        if (length > context)
            throw new CrossheadException(
                $"{MessageTerm.Window} {length} is longer than the model's context ({context}); use at most that.");
        return TokenWindows.Cut(tokenizer.Encode(text, addSpecialTokens: false), tokenizer.BosTokenId, length, what)
            .AtMost(Most);
    }
}
