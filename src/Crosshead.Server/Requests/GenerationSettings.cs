using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Server.Requests;

/// <summary>How the prompts of a request are continued, whatever they are.</summary>
internal sealed record GenerationSettings
{
    /// <summary>How tokens are drawn.</summary>
    public required SamplingOptions Sampling { get; init; }

    /// <summary>Most tokens of an answer; null for the default of the kind of request.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Tokens before which nothing ends an answer.</summary>
    public int MinTokens { get; init; }

    /// <summary>Tokens that end an answer, the model's own ones included.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Those of them that the request named: answers tell them.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>Texts that end an answer.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Whether the stop string is part of the answer.</summary>
    public bool IncludesStop { get; init; }

    /// <summary>Whether special tokens are left out of the text.</summary>
    public bool SkipsSpecial { get; init; } = true;

    /// <summary>Whether the tokenizer's special tokens are added to a text; null for the request's default.</summary>
    public bool? AddsSpecial { get; init; }

    /// <summary>Number of answers to a prompt.</summary>
    public int Choices { get; init; } = 1;

    /// <summary>Whether the answer comes in events.</summary>
    public bool Streams { get; init; }

    /// <summary>Whether a stream ends with the numbers of tokens.</summary>
    public bool IncludesUsage { get; init; }

    /// <summary>Whether every event has the numbers of tokens.</summary>
    public bool UsageInAll { get; init; }

    /// <summary>Number of likeliest tokens told for each place of the prompt; null for none.</summary>
    public int? PromptLogprobs { get; init; }

    /// <summary>Whether the answer has ids.</summary>
    public bool ReturnsIds { get; init; }

    /// <summary>Whether log-probabilities name tokens by id.</summary>
    public bool TokensAsIds { get; init; }

    /// <summary>Rank among waiting requests.</summary>
    public int Priority { get; init; }

    /// <summary>Name space of computed prefixes.</summary>
    public string? CacheSalt { get; init; }

    /// <summary>Number of last tokens of the prompt that are kept, −1 for what fits; null for all.</summary>
    public int? Truncate { get; init; }

    /// <summary>Makes the constraint of one answer; null for none.</summary>
    public Func<ITokenConstraint>? Constraint { get; init; }

    /// <summary>The request for an engine.</summary>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="maxTokens">Most tokens of an answer, which fit.</param>
    /// <param name="logprobs">Number of likeliest tokens told for each drawn one; null for none.</param>
    /// <param name="promptLogprobs">The same for the prompt.</param>
    public EngineRequest For(IReadOnlyList<int> prompt, int maxTokens, int? logprobs, int? promptLogprobs) => new()
    {
        Prompt = prompt,
        MaxTokens = maxTokens,
        MinTokens = Math.Min(MinTokens, maxTokens),
        Sampling = Sampling,
        EndTokens = EndTokens,
        StopStrings = StopStrings,
        IncludesStopString = IncludesStop,
        SkipsSpecialTokens = SkipsSpecial,
        Choices = Choices,
        Logprobs = logprobs,
        PromptLogprobs = promptLogprobs,
        CacheSalt = CacheSalt,
        Priority = Priority,
        Constraint = Constraint,
    };
}
