using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Generation;

namespace Crosshead.Serving;

/// <summary>
/// Serves many requests on one decoder. A thread of its own computes step after step, and sleeps when there is nothing
/// to do; nothing else touches the decoder, its cache, or the sequences.
/// </summary>
public sealed class Engine : IEngine
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(5); // between looks at slow readers
    private static readonly TimeSpan s_forever = Timeout.InfiniteTimeSpan;
    private readonly IPageStore _store;
    private readonly TimeProvider _clock;
    private readonly EngineInbox _inbox;
    private readonly EngineOutbox _outbox;
    private readonly CallFactory _calls;
    private readonly Thread? _thread;
    private volatile bool _stops;
    private volatile EngineState _state;

    /// <summary>Starts an engine.</summary>
    /// <param name="decoder">What computes. Its cache must be an <see cref="IPageStore"/>, of which the engine uses all
    /// slots and pages. It must outlive the engine, and nobody else may use it before the engine is disposed.</param>
    /// <param name="codec">The tokenizer. Ids that are not its tokens are never drawn.</param>
    /// <param name="modelContext">Most tokens of the model.</param>
    /// <param name="options">The limits.</param>
    /// <exception cref="CrossheadException">An option is out of range.</exception>
    /// <exception cref="ArgumentException">The decoder's cache has no pages.</exception>
    public Engine(IDecoder decoder, ITextCodec codec, int modelContext, EngineOptions options)
        : this(decoder, codec, modelContext, options, TimeProvider.System, starts: true)
    {
    }

    /// <summary>Makes an engine, with or without its thread.</summary>
    internal Engine(IDecoder decoder, ITextCodec codec, int modelContext, EngineOptions options, TimeProvider clock,
        bool starts)
    {
        options.Validate();
        _store = decoder.Cache as IPageStore
            ?? throw new ArgumentException("the decoder's cache has no pages.", nameof(decoder));
        Context = (int)Math.Min(Math.Min(modelContext, options.MaxContext ?? int.MaxValue),
            Math.Min(_store.Capacity, (long)_store.Pages * _store.PageTokens));
        Slots = Math.Min(_store.Slots, options.MaxStepTokens);
        (Options, _clock) = (options with { MaxContext = Context }, clock);
        var meter = new StepMeter(options);
        _inbox = new EngineInbox(options, Slots, meter);
        _outbox = new EngineOutbox(_inbox, direct: !starts);
        _calls = new CallFactory(decoder.VocabularySize, codec, Context, _store.PageTokens, options,
            decoder.ShortContext);
        Loop = new EngineLoop(decoder, Slots, options, _inbox, _outbox, meter, clock)
        {
            Stepped = (tokens, seconds) => Stepped?.Invoke(tokens, seconds),
        };
        if (!starts) return;
        _thread = new Thread(Work) { IsBackground = true, Name = "Crosshead engine" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public event Action<int, double>? Stepped;

    /// <inheritdoc/>
    public EngineOptions Options { get; }

    /// <inheritdoc/>
    public int Context { get; }

    /// <inheritdoc/>
    public int Slots { get; }

    /// <inheritdoc/>
    public EngineState State => _state;

    /// <inheritdoc/>
    public string? Failure { get; private set; }

    /// <inheritdoc/>
    public EngineOverloadedException? Full => _inbox.Full();

    /// <inheritdoc/>
    public EngineStatistics Statistics => Loop.Counters.Read(_store.Pages, _inbox.Choices, _inbox.Tokens);

    /// <summary>The work of its thread.</summary>
    internal EngineLoop Loop { get; }

    /// <inheritdoc/>
    public EngineCall Submit(EngineRequest request) => Submit([request])[0];

    /// <inheritdoc/>
    public IReadOnlyList<EngineCall> Submit(IReadOnlyList<EngineRequest> requests)
    {
        foreach (var request in requests) _calls.Require(request);
        _inbox.RequireRoom();
        var calls = _calls.Create(requests, _clock.GetTimestamp(), _inbox.Cancel);
        _inbox.Add(calls);
        return calls;
    }

    /// <inheritdoc/>
    public void ClearPrefixes() => _inbox.Clear();

    /// <inheritdoc/>
    public async Task DrainAsync(TimeSpan limit)
    {
        if (_state == EngineState.Ready) _state = EngineState.Draining;
        _inbox.Close(Failure is { } failure ? $"the engine has failed: {failure}" : "the server is stopping, and takes "
            + "no more requests.");
        try
        {
            await _inbox.Emptied.WaitAsync(limit, _clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _inbox.CancelAll();
            await _inbox.Emptied.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stops) return;
        _stops = true;
        if (_state == EngineState.Ready) _state = EngineState.Draining;
        _inbox.Close("the server has stopped.");
        if (_thread is null) Loop.CancelAll();
        else _thread.Join();
        _outbox.Flush();
    }

    private void Work()
    {
        try
        {
            while (!_stops)
                if (!Loop.Step()) _inbox.Wait(Loop.IsWaiting ? s_patience : s_forever);
            Loop.CancelAll();
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    private void Fail(Exception failure)
    {
        Failure = failure.Message;
        _state = EngineState.Failed;
        _inbox.Close($"the engine has failed: {failure.Message}");
        Loop.FailAll(new CrossheadException($"the engine has failed: {failure.Message}", failure));
    }
}
