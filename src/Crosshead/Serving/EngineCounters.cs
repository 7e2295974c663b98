namespace Crosshead.Serving;

/// <summary>Counts what an engine does. Its thread writes; any thread may read what the last step left.</summary>
internal sealed class EngineCounters
{
    private readonly Lock _gate = new();
    private Counts _now, _published;

    /// <summary>Adds prompt tokens that were computed or found.</summary>
    public void AddPrompt(int tokens) => _now.Prompt += tokens;

    /// <summary>Adds prompt tokens that were looked for among computed prefixes, and those found.</summary>
    public void AddPrefix(int tokens, int found)
    {
        _now.Queries += tokens;
        _now.Hits += found;
    }

    /// <summary>Adds a drawn token.</summary>
    public void AddDrawn() => _now.Generated++;

    /// <summary>Adds a step.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="seconds">How long it took.</param>
    /// <param name="compute">How long the decoder computed.</param>
    public void AddStep(int tokens, double seconds, double compute)
    {
        _now.Steps++;
        _now.Seconds += seconds;
        _now.Compute += compute;
        _now.StepTokens += tokens;
    }

    /// <summary>Shows others what the engine has done so far.</summary>
    public void Publish(Scheduler scheduler)
    {
        (_now.Running, _now.Free, _now.Cached) = (scheduler.Running.Count, scheduler.Pool.Free, scheduler.Pool.Cached);
        _now.Preemptions = scheduler.Preemptions;
        lock (_gate) _published = _now;
    }

    /// <summary>What the last step left.</summary>
    /// <param name="pages">Number of pages.</param>
    /// <param name="choices">Choices that wait or run.</param>
    /// <param name="tokens">Prompt tokens that wait.</param>
    public EngineStatistics Read(int pages, int choices, long tokens)
    {
        Counts counts;
        lock (_gate) counts = _published;
        return new EngineStatistics
        {
            Running = counts.Running,
            Waiting = Math.Max(0, choices - counts.Running),
            WaitingTokens = tokens,
            Pages = pages,
            FreePages = counts.Free,
            CachedPages = counts.Cached,
            PromptTokens = counts.Prompt,
            GeneratedTokens = counts.Generated,
            PrefixQueries = counts.Queries,
            PrefixHits = counts.Hits,
            Preemptions = counts.Preemptions,
            Steps = counts.Steps,
            StepTokens = counts.StepTokens,
            StepSeconds = counts.Seconds,
            ComputeSeconds = counts.Compute,
        };
    }

    private struct Counts
    {
        public int Running, Free, Cached;
        public double Seconds, Compute;
        public long Prompt, Generated, Queries, Hits, Preemptions, Steps, StepTokens;
    }
}
