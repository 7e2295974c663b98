using System.Diagnostics;
using System.Text;
using Crosshead.Decoding;

namespace Crosshead.Generation;

/// <summary>One generation under way: prompts being continued, a token at a time, as fast as the tokens are read.</summary>
public sealed class GenerationRun : IDisposable
{
    private readonly IDecoder _decoder;
    private readonly GenerationOptions _options;
    private readonly IReadOnlyList<IReadOnlyList<int>> _prompts;
    private readonly Continuation[] _sequences;
    private readonly HashSet<int> _endTokens;
    private double _prefillSeconds, _decodeSeconds;
    private long _steps, _decoded, _cacheBytes;
    private bool _started;

    internal GenerationRun(IDecoder decoder, IReadOnlyList<IReadOnlyList<int>> prompts, int context, GenerationOptions options, ITextCodec? codec, IReadOnlyList<int> suppressed)
    {
        (_decoder, _prompts, _options) = (decoder, prompts, options);
        _endTokens = [.. options.EndTokens];
        _sequences = [.. prompts.Select((prompt, i) => new Continuation(prompt, i, context - prompt.Count, options, decoder.VocabularySize, codec, suppressed))];
    }

    /// <summary>What it has taken so far.</summary>
    public GenerationStatistics Statistics => new(
        _prompts.Sum(p => (long)p.Count), _prefillSeconds, _sequences.Sum(s => (long)s.Ids.Count), _steps, _decoded, _decodeSeconds, _cacheBytes);

    /// <summary>The sequences; complete when <see cref="Tokens"/> has ended.</summary>
    public IReadOnlyList<GeneratedSequence> Sequences =>
        [.. _sequences.Select(s => new GeneratedSequence(s.Ids, s.Text.ToString(), s.Stop ?? StopReason.Cancelled))];

    /// <summary>
    /// Generates; can be read once. Every sequence's last token carries its stop reason. A cancelled run ends its open
    /// sequences with <see cref="StopReason.Cancelled"/> instead of throwing.
    /// </summary>
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
        var ids = new int[_sequences.Length];
        for (; ; )
        {
            // A caller may take its time over a token: only our own work counts as decoding.
            cancelled |= cancellation.IsCancellationRequested;
            for (var i = 0; i < _sequences.Length; i++)
            {
                if (_sequences[i].Stop is not null) { ids[i] = -1; continue; }
                var from = Stopwatch.GetTimestamp();
                var token = cancelled ? _sequences[i].Cancel() : _sequences[i].Advance(_decoder, _endTokens);
                ids[i] = token.Stop is null ? token.Id : -1;
                _decodeSeconds += Stopwatch.GetElapsedTime(from).TotalSeconds;
                yield return token;
            }
            if (ids.AsSpan().IndexOfAnyExcept(-1) < 0) break;
            var start = Stopwatch.GetTimestamp();
            _decoder.Step(ids);
            _decodeSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
            _steps++;
            foreach (var id in ids) if (id >= 0) _decoded++;
            _cacheBytes = _decoder.CacheBytes;
        }
    }

    private bool TryPrefill(CancellationToken cancellation)
    {
        try
        {
            _decoder.Prefill(_prompts, _options.PrefillChunk, cancellation);
            _cacheBytes = _decoder.CacheBytes;
            return true;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    // One sequence: what was drawn so far, and its way into text.
    private sealed class Continuation
    {
        private readonly int _index, _limit;
        private readonly StopReason _atLimit;
        private readonly Sampler _sampler;
        private readonly ITextStream? _stream;
        private readonly StopStringFilter _filter;

        public Continuation(IReadOnlyList<int> prompt, int index, int room, GenerationOptions options, int vocabulary, ITextCodec? codec, IReadOnlyList<int> suppressed)
        {
            (_index, _limit) = (index, Math.Min(options.MaxTokens, room));
            _atLimit = _limit < options.MaxTokens ? StopReason.Context : StopReason.Length;
            _sampler = new Sampler(options.Sampling, vocabulary, index, suppressed);
            _sampler.Observe([.. prompt]);
            _stream = codec?.CreateStream();
            // What a token looks like as text may depend on those before it: a space at the very start is left out.
            foreach (var id in prompt)
                if (codec?.IsToken(id) == true) _stream!.Push(id);
            _filter = new StopStringFilter(options.StopStrings);
        }

        public List<int> Ids { get; } = [];

        public StringBuilder Text { get; } = new();

        public StopReason? Stop { get; private set; }

        public GeneratedToken Advance(IDecoder decoder, HashSet<int> endTokens)
        {
            // A device tells the likeliest token at once; all logits of a batch are tens of megabytes.
            var id = _sampler.IsGreedy && decoder.MostLikely(_index) is var likeliest && _sampler.MayDraw(likeliest.Id)
                ? Sampler.Take(likeliest) : _sampler.Next(decoder.Logits(_index));
            Ids.Add(id);
            if (endTokens.Contains(id)) return End(id, "", StopReason.EndToken);
            var text = _filter.Push(_stream?.Push(id) ?? "");
            if (_filter.Stopped || Ids.Count == _limit) return End(id, text, _atLimit);
            return Shown(id, text);
        }

        public GeneratedToken Cancel() => End(-1, "", StopReason.Cancelled);

        private GeneratedToken End(int id, string text, StopReason reason)
        {
            if (!_filter.Stopped) text += _filter.Push(_stream?.Finish() ?? "");
            Stop = _filter.Stopped ? StopReason.StopString : reason;
            return Shown(id, text + _filter.Finish());
        }

        private GeneratedToken Shown(int id, string text)
        {
            Text.Append(text);
            return new GeneratedToken(_index, id, text, Stop);
        }
    }
}
