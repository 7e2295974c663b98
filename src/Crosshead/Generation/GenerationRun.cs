using System.Diagnostics;
using System.Text;
using Crosshead.Decoding;

namespace Crosshead.Generation;

/// <summary>
/// A running generation. It continues prompts one token at a time, at the pace at which the tokens are read.
/// </summary>
public sealed class GenerationRun : IDisposable
{
    private readonly IDecoder _decoder;
    private readonly GenerationOptions _options;
    private readonly IReadOnlyList<IReadOnlyList<int>> _prompts;
    private readonly Request[] _requests; // by prompt
    private readonly int?[] _slots;       // the prompt that each slot continues
    private readonly StringBuilder[] _texts;
    private readonly SamplerScratch _scratch;
    private readonly DecodePass _pass = new();
    private double _prefillSeconds, _decodeSeconds;
    private long _steps, _decoded, _cacheBytes;
    private int _next; // the first prompt that has no slot yet
    private bool _started;

    internal GenerationRun(IDecoder decoder, IReadOnlyList<IReadOnlyList<int>> prompts, int context,
        GenerationOptions options, ITextCodec? codec, IReadOnlyList<int> suppressed)
    {
        (_decoder, _prompts, _options) = (decoder, prompts, options);
        var drawable = new DrawableTokens(decoder.VocabularySize, suppressed);
        _scratch = new SamplerScratch(decoder.VocabularySize);
        _requests = [.. prompts.Select((prompt, i) => new Request(prompt, i, context, options, drawable,
            codec is null ? null : Request.Begin(codec.CreateStream(), codec, prompt)))];
        _texts = [.. prompts.Select(_ => new StringBuilder())];
        _next = Math.Min(prompts.Count, decoder.Cache.Slots);
        _slots = [.. Enumerable.Range(0, _next).Select(i => (int?)i)];
    }

    /// <summary>Time and memory of the run so far.</summary>
    public GenerationStatistics Statistics => new(
        _prompts.Sum(p => (long)p.Count), _prefillSeconds, _requests.Sum(r => (long)r.Count), _steps, _decoded,
        _decodeSeconds, _cacheBytes);

    /// <summary>The sequences; complete when <see cref="Tokens"/> has ended.</summary>
    public IReadOnlyList<GeneratedSequence> Sequences =>
        [.. Enumerable.Range(0, _requests.Length).Select(SequenceOf)];

    /// <summary>One sequence; complete when its last token has been read.</summary>
    internal GeneratedSequence SequenceOf(int index) => new(
        _requests[index].Ids, _texts[index].ToString(), _requests[index].Stop ?? StopReason.Cancelled);

    /// <summary>
    /// Generates the tokens; can be called once. The last token of each sequence carries its stop reason. A cancelled
    /// run ends its open sequences with <see cref="StopReason.Cancelled"/> and does not throw.
    /// </summary>
    /// <exception cref="InvalidOperationException">The method was called before.</exception>
    public IEnumerable<GeneratedToken> Tokens(CancellationToken cancellation = default)
    {
        if (_started) throw new InvalidOperationException("the tokens of a run can be read once; start another run.");
        _started = true;
        return Generate(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _decoder.Dispose();

    private IEnumerable<GeneratedToken> Generate(CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var cancelled = !TryPrefill(cancellation);
        _prefillSeconds = clock.Elapsed.TotalSeconds;
        for (; ; )
        {
            _pass.Clear();
            // The time that the caller spends on a token does not count as decoding.
            cancelled |= cancellation.IsCancellationRequested;
            for (var slot = 0; slot < _slots.Length; slot++)
            {
                if (_slots[slot] is not { } index) continue;
                var (request, from) = (_requests[index], Stopwatch.GetTimestamp());
                if (request.Left > 0 && !cancelled)
                {
                    request.AddTo(_pass, slot, _options.PrefillChunk); // of a prompt that joined later
                    continue;
                }
                var token = cancelled ? request.Cancel() : request.Advance(_decoder, request.Row, _scratch);
                _texts[index].Append(token.Text);
                if (request.Stop is null) request.AddTo(_pass, slot, most: 1);
                else Replace(slot);
                _decodeSeconds += Stopwatch.GetElapsedTime(from).TotalSeconds;
                if (request.Stop is null) _decoded++;
                yield return token;
            }
            if (_pass.Count == 0 && _slots.All(s => s is null)) break;
            if (_pass.Count == 0) continue;
            var start = Stopwatch.GetTimestamp();
            _decoder.Run(_pass, CancellationToken.None);
            _decodeSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
            _steps++;
            _cacheBytes = _decoder.Cache.Bytes;
        }
    }

    // The next prompt takes the slot of a sequence that has ended.
    private void Replace(int slot)
    {
        _slots[slot] = _next < _requests.Length ? _next++ : null;
        if (_slots[slot] is null) return;
        _decoder.Cache.Truncate(slot, 0);
    }

    // Computes the first prompts in chunks; returns false if cancelled.
    private bool TryPrefill(CancellationToken cancellation)
    {
        try
        {
            for (; ; )
            {
                _pass.Clear();
                var most = _requests.Take(_slots.Length).Max(r => r.Left);
                if (most == 0) return true;
                // The shorter prompts wait for the longest: logits are valid until the next pass only.
                for (var slot = 0; slot < _slots.Length; slot++)
                    if (most <= _options.PrefillChunk || _requests[slot].Left > _options.PrefillChunk)
                        _requests[slot].AddTo(_pass, slot, _options.PrefillChunk);
                cancellation.ThrowIfCancellationRequested();
                _decoder.Run(_pass, cancellation);
                _cacheBytes = _decoder.Cache.Bytes;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
