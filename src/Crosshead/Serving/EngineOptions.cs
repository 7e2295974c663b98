namespace Crosshead.Serving;

/// <summary>Limits of an engine. The number of slots and pages is that of its decoder's cache.</summary>
public sealed record EngineOptions
{
    internal const int LargestStep = 1 << 20; // tokens

    /// <summary>Most tokens of a sequence, prompt included; null for what model and pages allow.</summary>
    public int? MaxContext { get; init; }

    /// <summary>Most tokens computed in one step.</summary>
    public int MaxStepTokens { get; init; } = 256;

    /// <summary>Prompt tokens are computed in multiples of this, but for a prompt's last piece.</summary>
    public int PrefillGrain { get; init; } = 16;

    /// <summary>
    /// Requests in work beyond the number of slots after which no more are taken. Those that are submitted together
    /// count as one.
    /// </summary>
    public int MaxQueued { get; init; } = 64;

    /// <summary>Prompt tokens not computed yet after which no more requests are taken.</summary>
    public int MaxQueuedTokens { get; init; } = 128 << 10;

    /// <summary>
    /// How many times as long as a step of decoding alone a step may take in which prompts are computed too. Infinity
    /// for any time: what a step computes then depends on the requests alone, and not on the speed of the machine.
    /// </summary>
    public double StepTarget { get; init; } = 2.5;

    /// <summary>Whether requests find computed prefixes of earlier ones.</summary>
    public bool PrefixCache { get; init; } = true;

    /// <summary>Whether <see cref="EngineRequest.Priority"/> is honoured; otherwise first come, first served.</summary>
    public bool Priorities { get; init; }

    /// <summary>Events that a call holds for a slow reader before its choices pause.</summary>
    public int MaxEvents { get; init; } = 256;

    /// <summary>After this time of a reader reading nothing its call is cancelled.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// After this time since its arrival a request that has not ended fails with an
    /// <see cref="EngineTimeoutException"/>; null for no limit.
    /// </summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        Require(MaxContext is null or >= 2, "maxContext", MaxContext ?? 0, "at least 2");
        Require(MaxStepTokens is >= 1 and <= LargestStep, "maxStepTokens", MaxStepTokens, "1 to 1048576");
        Require(PrefillGrain is >= 1 and <= 4096, "prefillGrain", PrefillGrain, "1 to 4096");
        Require(MaxQueued is >= 1 and <= 1 << 20, "maxQueued", MaxQueued, "1 to 1048576");
        Require(MaxQueuedTokens >= 1, "maxQueuedTokens", MaxQueuedTokens, "at least 1");
        Require(StepTarget is (>= 1 and <= 1000) or double.PositiveInfinity, "stepTarget", StepTarget,
            "1 to 1000, or infinity");
        Require(StallTimeout > TimeSpan.Zero, "stallTimeout", StallTimeout.TotalSeconds, "more than 0 s");
        Require(RequestTimeout is null || RequestTimeout > TimeSpan.Zero, "requestTimeout",
            RequestTimeout?.TotalSeconds ?? 0, "more than 0 s");
        Require(MaxEvents is >= 1 and <= 1 << 20, "maxEvents", MaxEvents, "1 to 1048576");
    }

    private static void Require(bool inRange, string name, double value, string range)
    {
        if (!inRange) throw new CrossheadException($"{name} ({value}) is out of range; use {range}.");
    }
}
