namespace Crosshead.Serving;

/// <summary>
/// Continues many prompts at once on one model: requests join and leave at every step. May be used by any number of
/// threads.
/// </summary>
public interface IEngine : IDisposable
{
    /// <summary>The limits in force.</summary>
    EngineOptions Options { get; }

    /// <summary>Most tokens of a sequence, prompt included: the smallest of the model's context, the option's, and
    /// what the pages hold. A request within it can always be admitted.</summary>
    int Context { get; }

    /// <summary>Most choices that compute side by side.</summary>
    int Slots { get; }

    /// <summary>Whether it takes requests.</summary>
    EngineState State { get; }

    /// <summary>What ended it, if its state is <see cref="EngineState.Failed"/>.</summary>
    string? Failure { get; }

    /// <summary>
    /// Why a request would be refused now, whatever it asks for; null if there is room. So a server need not read what
    /// it will not answer.
    /// </summary>
    EngineOverloadedException? Full => null;

    /// <summary>What it does now, and has done.</summary>
    EngineStatistics Statistics { get; }

    /// <summary>Called after each step, by the engine's thread, with its number of tokens and its seconds.</summary>
    event Action<int, double>? Stepped;

    /// <summary>Checks a request and puts it in the queue; returns at once.</summary>
    /// <param name="request">The request.</param>
    /// <exception cref="CrossheadException">The request is out of range, or can never fit.</exception>
    /// <exception cref="EngineOverloadedException">The queue is full, or the engine takes no requests.</exception>
    EngineCall Submit(EngineRequest request) => Submit([request])[0];

    /// <summary>
    /// Checks requests that belong together and puts them in the queue, all or none; returns at once. Together they
    /// count as one there. Those without a seed get the same one.
    /// </summary>
    /// <param name="requests">The requests.</param>
    /// <returns>A call for each request.</returns>
    /// <exception cref="CrossheadException">A request is out of range, or can never fit.</exception>
    /// <exception cref="EngineOverloadedException">The queue is full, or the engine takes no requests.</exception>
    IReadOnlyList<EngineCall> Submit(IReadOnlyList<EngineRequest> requests);

    /// <summary>Forgets the computed prefixes that no sequence uses.</summary>
    void ClearPrefixes();

    /// <summary>Takes no more requests; ends when those it has have ended, or at the time limit with the rest
    /// cancelled.</summary>
    Task DrainAsync(TimeSpan limit);
}
