using Crosshead.Generation;

namespace Crosshead.Serving;

/// <summary>A prompt to continue, and how.</summary>
public sealed record EngineRequest
{
    /// <summary>Token ids of the prompt; at least one.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>Maximum number of new tokens per choice; 0 computes the prompt alone.</summary>
    public int MaxTokens { get; init; } = 16;

    /// <summary>
    /// New tokens per choice before which neither an end token nor a stop string ends a choice, 0 to
    /// <see cref="MaxTokens"/>.
    /// </summary>
    public int MinTokens { get; init; }

    /// <summary>
    /// How tokens are drawn. Choice c uses the stream of random numbers (seed, <see cref="Stream"/> + c).
    /// </summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>
    /// The first choice's stream of the seed's random numbers. Requests with one seed and different streams draw
    /// independently.
    /// </summary>
    public int Stream { get; init; }

    /// <summary>Tokens that end a choice when they are drawn; empty for none.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Texts that end a choice when they are written.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Whether the stop string is part of the text.</summary>
    public bool IncludesStopString { get; init; }

    /// <summary>Whether the text leaves special tokens out.</summary>
    public bool SkipsSpecialTokens { get; init; } = true;

    /// <summary>Number of answers; the prompt is computed once for all of them.</summary>
    public int Choices { get; init; } = 1;

    /// <summary>
    /// Number of likeliest tokens whose log-probabilities are reported with each drawn token, which has its own in
    /// any case; null for none at all.
    /// </summary>
    public int? Logprobs { get; init; }

    /// <summary>
    /// As <see cref="Logprobs"/>, for the tokens of the prompt. Such a request reads no cached prefix.
    /// </summary>
    public int? PromptLogprobs { get; init; }

    /// <summary>Requests share computed prefixes only within one name space; null for the common one.</summary>
    public string? CacheSalt { get; init; }

    /// <summary>A request with a smaller number goes first, if the engine honours priorities.</summary>
    public int Priority { get; init; }

    /// <summary>Makes the constraint of one choice, which allows some tokens at each step; null for none.</summary>
    public Func<ITokenConstraint>? Constraint { get; init; }
}
