namespace Crosshead.Serving;

/// <summary>What an engine does now, and has done since it began.</summary>
public sealed record EngineStatistics
{
    /// <summary>Choices that have a slot.</summary>
    public required int Running { get; init; }

    /// <summary>Choices that wait for a slot.</summary>
    public required int Waiting { get; init; }

    /// <summary>Prompt tokens that wait to be computed.</summary>
    public required long WaitingTokens { get; init; }

    /// <summary>Pages of the cache.</summary>
    public required int Pages { get; init; }

    /// <summary>Pages that hold nothing.</summary>
    public required int FreePages { get; init; }

    /// <summary>Pages that hold a computed prefix and that no sequence uses: they are free when needed.</summary>
    public required int CachedPages { get; init; }

    /// <summary>Tokens of prompts that were computed or found computed.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Tokens that were drawn.</summary>
    public required long GeneratedTokens { get; init; }

    /// <summary>Prompt tokens that were looked for among computed prefixes.</summary>
    public required long PrefixQueries { get; init; }

    /// <summary>Prompt tokens that were found there.</summary>
    public required long PrefixHits { get; init; }

    /// <summary>How often a sequence gave its pages to another and was computed again later.</summary>
    public required long Preemptions { get; init; }

    /// <summary>Steps.</summary>
    public required long Steps { get; init; }

    /// <summary>Seconds of all steps.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>
    /// Seconds of the steps in which the decoder computed; the rest is planning, drawing and telling.
    /// </summary>
    public required double ComputeSeconds { get; init; }

    /// <summary>Tokens computed in all steps, of prompts and of answers.</summary>
    public required long StepTokens { get; init; }
}
