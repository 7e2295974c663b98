using System.Diagnostics;
using System.Threading.Channels;
using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Server;

/// <summary>A request that the fake engine answers with its script.</summary>
internal sealed class FakeCall : EngineCall
{
    private readonly Channel<EngineEvent> _events = Channel.CreateBounded<EngineEvent>(256);
    private readonly CancellationTokenSource _cancelled = new();
    private readonly FakeEngine _engine;
    private readonly Tokenizer _tokenizer;
    private readonly long _arrived = Stopwatch.GetTimestamp();
    private long _first, _ended;
    private int _sent;

    public FakeCall(FakeEngine engine, EngineRequest request, Tokenizer tokenizer)
    {
        (_engine, Request, _tokenizer) = (engine, request, tokenizer);
        Done = Task.Run(RunAsync);
    }

    public EngineRequest Request { get; }

    /// <summary>Ends when the call has.</summary>
    public Task Done { get; }

    public bool WasCancelled => _cancelled.IsCancellationRequested && !EndedByItself;

    /// <summary>Whether all choices came to their ends.</summary>
    public bool EndedByItself { get; private set; }

    public override ChannelReader<EngineEvent> Events => _events.Reader;

    public override int PromptTokens => Request.Prompt.Count;

    public override int CachedTokens => 1;

    public override IReadOnlyList<TokenLogprob>? PromptLogprobs => Request.PromptLogprobs is not { } top ? null
        : [.. Request.Prompt.Skip(1).Select(id => Logprob(id, top))];

    public override long Seed => Request.Sampling.Seed ?? 77;

    public override CallTimes Times => new(_arrived, _arrived, _first, _ended);

    public override void Cancel() => _cancelled.Cancel();

    private async Task RunAsync()
    {
        try
        {
            await _engine.Gate.WaitAsync(_cancelled.Token);
            for (var choice = 0; choice < Request.Choices; choice++) await ChoiceAsync(choice);
            _ended = Stopwatch.GetTimestamp();
            EndedByItself = true;
            _events.Writer.Complete();
        }
        catch (OperationCanceledException)
        {
            // There may be no room for the last event of a cancelled call: nobody reads it.
            _events.Writer.TryWrite(new EngineEvent(0, -1, "", null, StopReason.Cancelled));
            _events.Writer.TryComplete();
        }
        catch (CrossheadException e)
        {
            _events.Writer.TryComplete(e);
        }
    }

    private async Task ChoiceAsync(int choice)
    {
        if (Request.MaxTokens == 0)
        {
            await SendAsync(new EngineEvent(choice, -1, "", null, StopReason.Length));
            return;
        }
        int[] ids = [.. _tokenizer.Encode(_engine.Answer(Request, choice), addSpecialTokens: false),
            .. Request.EndTokens.Take(1)];
        var (text, filter) = (_tokenizer.CreateDecodeStream(Request.SkipsSpecialTokens),
            new StopStringFilter(Request.StopStrings));
        for (var i = 0; ; i++)
        {
            var id = i < ids.Length ? ids[i] : _tokenizer.Encode("x", addSpecialTokens: false)[0];
            var ends = Request.EndTokens.Contains(id);
            var shown = ends ? "" : filter.Push(text.Step(id));
            var last = ends || i + 1 == Request.MaxTokens;
            if (last && !filter.Stopped) shown += filter.Push(text.Finish());
            var stop = filter.Stopped ? StopReason.StopString : ends ? StopReason.EndToken
                : last ? StopReason.Length : (StopReason?)null;
            if (stop is not null) shown += filter.Finish();
            await SendAsync(new EngineEvent(choice, id, shown,
                Request.Logprobs is { } top ? Logprob(id, top) : null, stop,
                filter.Stopped ? Request.StopStrings[0] : null));
            if (stop is not null) return;
        }
    }

    private async Task SendAsync(EngineEvent step)
    {
        if (_sent == _engine.FailsAfter) throw _engine.Fault;
        if (_sent > 0 && _engine.Pause is { } pause) await pause().WaitAsync(_cancelled.Token);
        if (_sent++ == 0) _first = Stopwatch.GetTimestamp();
        await _events.Writer.WriteAsync(step, _cancelled.Token);
    }

    // The token's own value and those of the ids after it, each lower than the one before.
    private TokenLogprob Logprob(int id, int top) => new(id, -0.1f - id % 7 * 0.25f,
        [.. Enumerable.Range(0, top).Select(i => ((id + i) % _tokenizer.VocabularySize, -0.1f - id % 7 * 0.25f - i))]);
}
