using System.Runtime.ExceptionServices;
using Crosshead.Decoding;
using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.TextModels;

/// <summary>
/// Continues prompts by the steps of an <see cref="Engine"/>, on the caller's thread and at the pace at which the
/// tokens are read. A prompt is asked for when a slot is free, so there may be any number of them.
/// </summary>
internal sealed class PromptLoop : IDisposable
{
    private const int MostHeld = 1024; // answers that wait for an earlier one, unless there are many slots
    private readonly IDecoder _decoder;
    private readonly Engine _engine;
    private readonly int _context;
    private readonly List<OpenPrompt> _open = []; // in the order of the prompts
    private readonly List<GeneratedToken> _drawn = [];
    private readonly int _block;
    private double _prefillSeconds, _decodeSeconds, _stepSeconds;
    private long _promptTokens, _newTokens, _steps, _decoded, _cacheBytes;
    private int _next, _stepTokens;
    private Exception? _refusal;

    /// <summary>Prepares to continue prompts.</summary>
    /// <param name="decoder">What computes, of which the loop uses all slots and pages; disposed with the loop.</param>
    /// <param name="codec">The tokenizer.</param>
    /// <param name="context">Most tokens of the model.</param>
    /// <param name="prefillChunk">Most prompt tokens computed in a step.</param>
    /// <param name="block">Number of prompts after which the next ones wait until all have ended; then what is computed
    /// side by side depends on the prompts of a block alone.</param>
    public PromptLoop(IDecoder decoder, ITextCodec codec, int context, int prefillChunk, int block = int.MaxValue)
    {
        (_decoder, _context, _block) = (decoder, context, block);
        var options = new EngineOptions { MaxQueuedTokens = int.MaxValue, StepTarget = double.PositiveInfinity };
        _engine = new Engine(decoder, codec, context, options with
        {
            MaxStepTokens = (int)Math.Min((long)decoder.Cache.Slots + prefillChunk, EngineOptions.LargestStep),
        }, TimeProvider.System, starts: false);
        _engine.Stepped += (tokens, seconds) => (_stepTokens, _stepSeconds) = (tokens, seconds);
    }

    /// <summary>Called after each step with the number of tokens that it drew.</summary>
    public Action<int>? Stepped { get; set; }

    /// <summary>Whether no prompt is being continued.</summary>
    public bool IsIdle => _open.Count == 0;

    /// <summary>Time and memory of what was done so far.</summary>
    public GenerationStatistics Statistics => new(
        _promptTokens, _prefillSeconds, _newTokens, _steps, _decoded, _decodeSeconds, _cacheBytes);

    /// <summary>
    /// Continues prompts; their numbers go on from the last call. If cancelled, those that are open end with
    /// <see cref="StopReason.Cancelled"/>, and no more are asked for. If a prompt is refused, the ones before it are
    /// continued to their ends first.
    /// </summary>
    /// <param name="requests">The prompts, each with one choice. A null stands for one that is not there yet.</param>
    /// <param name="cancellation">Ends the open prompts.</param>
    /// <param name="window">How many prompts may begin from the first open one on.</param>
    public IEnumerable<GeneratedToken> Run(IEnumerable<EngineRequest?> requests, CancellationToken cancellation,
        int window = int.MaxValue)
    {
        using var next = requests.GetEnumerator();
        for (var more = true; ;)
        {
            var cancelled = cancellation.IsCancellationRequested;
            more = more && !cancelled && Fill(next, window);
            if (_open.Count > 0)
            {
                if (cancelled) _engine.Loop.CancelAll();
                else _engine.Loop.Step();
                Take();
                foreach (var token in _drawn) yield return token;
            }
            else if (!more)
            {
                if (_refusal is not null) ExceptionDispatchInfo.Throw(_refusal);
                yield break;
            }
        }
    }

    /// <summary>
    /// Continues prompts, and returns the answers in the order of the prompts. Few of them are held in memory.
    /// </summary>
    /// <param name="requests">As for <see cref="Run"/>.</param>
    /// <param name="cancellation">Ends it; answers that are not complete are lost.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<GeneratedSequence> InOrder(IEnumerable<EngineRequest?> requests,
        CancellationToken cancellation)
    {
        var (first, answers) = (_next, new Queue<GrowingSequence>());
        Dictionary<int, GrowingSequence> growing = [];
        foreach (var token in Run(requests, cancellation, Math.Max(MostHeld, 8 * _engine.Slots)))
        {
            cancellation.ThrowIfCancellationRequested();
            for (; first <= token.Sequence; first++) answers.Enqueue(growing[first] = new GrowingSequence());
            growing[token.Sequence].Add(token);
            if (token.Stop is null) continue;
            growing.Remove(token.Sequence);
            while (answers.TryPeek(out var answer) && answer.HasEnded) yield return answers.Dequeue().ToSequence();
        }
        cancellation.ThrowIfCancellationRequested();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _decoder.Dispose();
    }

    // Begins prompts as far as there are slots; returns whether more may come.
    private bool Fill(IEnumerator<EngineRequest?> next, int window)
    {
        while (_open.Count < _engine.Slots && (_open.Count == 0 || _next - _open[0].Index < window))
        {
            if (_next > 0 && _next % _block == 0)
            {
                if (_open.Count > 0) return true;
                _engine.ClearPrefixes();
            }
            try
            {
                if (!next.MoveNext()) return false;
                if (next.Current is not { } request) return true;
                Begin(request);
            }
            catch (CrossheadException refusal)
            {
                _refusal = refusal;
                return false;
            }
        }
        return true;
    }

    private void Begin(EngineRequest request)
    {
        var most = Math.Min(request.MaxTokens, _context - request.Prompt.Count);
        var call = _engine.Submit(request with { MaxTokens = most, MinTokens = Math.Min(request.MinTokens, most) });
        _open.Add(new OpenPrompt(_next++, call, most < request.MaxTokens ? StopReason.Context : StopReason.Length));
        _promptTokens += request.Prompt.Count;
    }

    // Takes what the step has drawn.
    private void Take()
    {
        _drawn.Clear();
        var (drawn, decoded) = (0, 0);
        foreach (var prompt in _open)
        {
            while (prompt.TryRead(out var token))
            {
                _drawn.Add(token);
                if (token.Id < 0) continue;
                drawn++;
                if (prompt.Count > 1) decoded++;
            }
        }
        _open.RemoveAll(static p => p.HasEnded);
        Count(drawn, decoded);
        Stepped?.Invoke(drawn);
    }

    // A step's time belongs to prompts and answers in proportion to their tokens.
    private void Count(int drawn, int decoded)
    {
        _newTokens += drawn;
        _decoded += decoded;
        if (decoded > 0) _steps++;
        var share = _stepTokens > 0 ? Math.Min(1, (double)decoded / _stepTokens) : 0;
        _decodeSeconds += share * _stepSeconds;
        _prefillSeconds += (1 - share) * _stepSeconds;
        (_stepTokens, _stepSeconds) = (0, 0);
        _cacheBytes = Math.Max(_cacheBytes, _decoder.Cache.Bytes);
    }
}
