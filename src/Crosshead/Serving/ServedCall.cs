using System.Threading.Channels;

namespace Crosshead.Serving;

/// <summary>
/// A call as the engine sees it. Its reader may be on any thread; all else belongs to the engine's thread.
/// </summary>
internal sealed class ServedCall : EngineCall
{
    private readonly Channel<EngineEvent> _events;
    private readonly EngineOptions _options;
    private readonly Action<ServedCall> _cancel;
    private readonly List<TokenLogprob>? _promptLogprobs;
    private bool _cancelled;
    private readonly long _arrived;
    private long _started, _firstToken, _ended;

    /// <summary>A call that waits.</summary>
    /// <param name="request">What was asked for, with its seed.</param>
    /// <param name="options">The engine's limits.</param>
    /// <param name="arrived">When it was accepted.</param>
    /// <param name="cancel">Tells the engine that somebody wants it to end.</param>
    public ServedCall(EngineRequest request, EngineOptions options, long arrived, Action<ServedCall> cancel)
    {
        (Request, _options, _arrived, _cancel) = (request, options, arrived, cancel);
        _promptLogprobs = request.PromptLogprobs is null ? null : new(request.Prompt.Count - 1);
        UncomputedTokens = PromptTokens = request.Prompt.Count;
        // In the step in which the channel becomes full every choice may write; and each may end later.
        _events = Channel.CreateBounded<EngineEvent>(new BoundedChannelOptions(
            options.MaxEvents + (2 * request.Choices))
        {
            SingleWriter = true,
        });
    }

    /// <summary>What was asked for, with its seed.</summary>
    public EngineRequest Request { get; }

    /// <summary>Its choices that have not ended.</summary>
    public List<Choice> Open { get; } = [];

    /// <summary>Its choices that wait for the first to compute the prompt.</summary>
    public List<Choice> Forks { get; } = [];

    /// <summary>Prompt tokens that are not computed.</summary>
    public int UncomputedTokens { get; set; }

    /// <summary>Since when its reader has left the channel full; null if it is not.</summary>
    public long? FullSince { get; set; }

    /// <summary>Whether the engine's thread knows it.</summary>
    public bool IsTaken { get; set; }

    /// <summary>Whether somebody wants it to end.</summary>
    public bool IsCancelled => Volatile.Read(ref _cancelled);

    /// <summary>Whether its prompt is being computed, or has been.</summary>
    public bool HasStarted => _started != 0;

    /// <summary>Whether it lost its slots because its reader reads nothing.</summary>
    public bool IsParked { get; set; }

    /// <summary>Whether its reader has fallen behind so far that its choices pause.</summary>
    public bool IsFull => _events.Reader.Count >= _options.MaxEvents;

    /// <summary>Whether its channel has ended.</summary>
    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>Number of prompt tokens that were found computed.</summary>
    public int Cached { get; set; }

    /// <inheritdoc/>
    public override ChannelReader<EngineEvent> Events => _events.Reader;

    /// <inheritdoc/>
    public override int PromptTokens { get; }

    /// <inheritdoc/>
    public override int CachedTokens => Cached;

    /// <inheritdoc/>
    public override IReadOnlyList<TokenLogprob>? PromptLogprobs => _promptLogprobs;

    /// <inheritdoc/>
    public override long Seed => Request.Sampling.Seed!.Value;

    /// <inheritdoc/>
    public override CallTimes Times => new(_arrived, Volatile.Read(ref _started),
        Volatile.Read(ref _firstToken), Volatile.Read(ref _ended));

    /// <inheritdoc/>
    public override void Cancel()
    {
        if (HasEnded) return;
        Volatile.Write(ref _cancelled, true);
        _cancel(this);
    }

    /// <summary>Adds the log-probability of the next prompt token.</summary>
    public void AddPromptLogprob(TokenLogprob logprob) => _promptLogprobs!.Add(logprob);

    /// <summary>The first token of its prompt is computed now.</summary>
    public void Start(long now)
    {
        if (_started == 0) Volatile.Write(ref _started, Math.Max(1, now));
    }

    /// <summary>Tells the reader of a step.</summary>
    public void Write(EngineEvent step, long now)
    {
        if (_firstToken == 0 && step.Id >= 0) Volatile.Write(ref _firstToken, Math.Max(1, now));
        if (!_events.Writer.TryWrite(step))
            throw new InvalidOperationException("a call has more events than its channel holds.");
    }

    /// <summary>Tells the reader that nothing more comes.</summary>
    /// <param name="now">The time.</param>
    /// <param name="failure">Why, if not because all choices have ended.</param>
    public void End(long now, Exception? failure = null)
    {
        if (HasEnded) return;
        Volatile.Write(ref _ended, Math.Max(1, now));
        _events.Writer.TryComplete(failure);
    }
}
