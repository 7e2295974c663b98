using System.Threading.Channels;

namespace Crosshead.Serving;

/// <summary>
/// A call as the engine sees it. Its reader may be on any thread, and its events are delivered on another one; all else
/// belongs to the engine's thread.
/// </summary>
internal sealed class ServedCall : EngineCall
{
    private readonly Channel<EngineEvent> _events =
        Channel.CreateUnbounded<EngineEvent>(new UnboundedChannelOptions { SingleWriter = true });

    private readonly EngineOptions _options;
    private readonly Action<ServedCall> _cancel;
    private readonly List<TokenLogprob>? _promptLogprobs;
    private bool _cancelled;
    private long _started, _firstToken, _ended;
    private int _told, _read; // events for the reader, and how many of them it has read at least
    private int _delivered;   // those in the channel, read or not

    /// <summary>A call that waits.</summary>
    /// <param name="request">What was asked for, with its seed.</param>
    /// <param name="submission">What it was submitted with.</param>
    /// <param name="options">The engine's limits.</param>
    /// <param name="arrived">When it was accepted.</param>
    /// <param name="cancel">Tells the engine that somebody wants it to end.</param>
    public ServedCall(EngineRequest request, Submission submission, EngineOptions options, long arrived,
        Action<ServedCall> cancel)
    {
        (Request, Submission, _options, Arrived, _cancel) = (request, submission, options, arrived, cancel);
        _promptLogprobs = request.PromptLogprobs is null ? null : new(request.Prompt.Count - 1);
        UncomputedTokens = PromptTokens = request.Prompt.Count;
    }

    /// <summary>What was asked for, with its seed.</summary>
    public EngineRequest Request { get; }

    /// <summary>What it was submitted with.</summary>
    public Submission Submission { get; }

    /// <summary>When it was accepted.</summary>
    public long Arrived { get; }

    /// <summary>Its choices that have not ended.</summary>
    public List<Choice> Open { get; } = [];

    /// <summary>Its choices that wait for the first to compute the prompt.</summary>
    public List<Choice> Forks { get; } = [];

    /// <summary>Prompt tokens that are not computed.</summary>
    public int UncomputedTokens { get; set; }

    /// <summary>Since when its reader has been far behind; null if it is not.</summary>
    public long? FullSince { get; set; }

    /// <summary>Whether the engine's thread knows it.</summary>
    public bool IsTaken { get; set; }

    /// <summary>Whether somebody wants it to end.</summary>
    public bool IsCancelled => Volatile.Read(ref _cancelled);

    /// <summary>Whether its prompt is being computed, or has been.</summary>
    public bool HasStarted => _started != 0;

    /// <summary>Whether it lost its slots because its reader reads nothing.</summary>
    public bool IsParked { get; set; }

    /// <summary>
    /// Whether its reader has fallen behind so far that its choices pause. Then at most one more event per choice comes
    /// in the step that made it so, and one per choice at the end.
    /// </summary>
    public bool IsFull
    {
        get
        {
            if (_told - _read < _options.MaxEvents) return false;
            var delivered = Volatile.Read(ref _delivered); // before the count, which may grow meanwhile
            _read = delivered - _events.Reader.Count;
            return _told - _read >= _options.MaxEvents;
        }
    }

    /// <summary>Whether all its choices have ended.</summary>
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
    public override CallTimes Times => new(Arrived, Volatile.Read(ref _started),
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

    /// <summary>Counts an event that the reader will be told.</summary>
    public void Count(in EngineEvent step, long now)
    {
        _told++;
        if (_firstToken == 0 && step.Id >= 0) Volatile.Write(ref _firstToken, Math.Max(1, now));
    }

    /// <summary>Its last choice has ended now.</summary>
    public void End(long now) => Volatile.Write(ref _ended, Math.Max(1, now));

    /// <summary>Tells the reader of an event; where events are delivered.</summary>
    public void Deliver(in EngineEvent step)
    {
        _events.Writer.TryWrite(step);
        Volatile.Write(ref _delivered, _delivered + 1);
    }

    /// <summary>Tells the reader that nothing more comes; where events are delivered.</summary>
    /// <param name="failure">Why, if not because all choices have ended.</param>
    public void Complete(Exception? failure) => _events.Writer.TryComplete(failure);
}
