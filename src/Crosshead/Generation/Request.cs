using System.Runtime.InteropServices;
using Crosshead.Decoding;

namespace Crosshead.Generation;

/// <summary>A sequence that is being continued: its tokens, the drawing of the next ones, and their text.</summary>
internal sealed class Request
{
    private readonly int _index, _prompt, _limit, _minTokens;
    private readonly int[] _endTokens;
    private readonly StopReason _atLimit;
    private readonly Sampler _sampler;
    private readonly ITextStream? _stream;
    private readonly StopStringFilter _filter;
    private int _computed; // of the known tokens, those that were handed to a decoder

    /// <summary>Creates a request; nothing is computed yet.</summary>
    /// <param name="prompt">The tokens to continue.</param>
    /// <param name="index">Index of the prompt. Its tokens are reported with this index and use this stream of random
    /// numbers.</param>
    /// <param name="context">Maximum number of tokens of the model.</param>
    /// <param name="options">How much is generated and where it ends.</param>
    /// <param name="drawable">Which tokens may be drawn.</param>
    /// <param name="stream">Turns its tokens into text; null for tokens alone.</param>
    public Request(IReadOnlyList<int> prompt, int index, int context, GenerationOptions options,
        DrawableTokens drawable, ITextStream? stream)
    {
        (Known, _index, _prompt, _endTokens) = ([.. prompt], index, prompt.Count, [.. options.EndTokens]);
        _minTokens = options.MinTokens;
        _limit = Math.Min(options.MaxTokens, context - prompt.Count);
        _atLimit = _limit < options.MaxTokens ? StopReason.Context : StopReason.Length;
        _sampler = new Sampler(options.Sampling, drawable, index);
        _sampler.Observe(CollectionsMarshal.AsSpan(Known));
        _stream = stream;
        _filter = new StopStringFilter(options.StopStrings, options.IncludesStopString);
    }

    /// <summary>The prompt, and then the drawn tokens.</summary>
    public List<int> Known { get; }

    /// <summary>The drawn tokens.</summary>
    public IReadOnlyList<int> Ids => Known[_prompt..];

    /// <summary>Number of drawn tokens.</summary>
    public int Count => Known.Count - _prompt;

    /// <summary>Why the sequence ended; null while it continues.</summary>
    public StopReason? Stop { get; private set; }

    /// <summary>Number of known tokens that have not been computed.</summary>
    public int Left => Known.Count - _computed;

    /// <summary>Row of the last known token in its pass.</summary>
    public int Row { get; private set; }

    /// <summary>Whether the likeliest token alone decides, but where that may not be drawn.</summary>
    public bool TakesLikeliest => _sampler.IsGreedy;

    /// <summary>Whether the largest logits may decide.</summary>
    public bool MayTakeLargest => _sampler.MayTakeLargest;

    /// <summary>The stop string that ended the sequence; null for another reason.</summary>
    public string? StopString => _filter.StopString;

    /// <summary>Lets a stream of text see a prompt.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="codec">The codec that created it.</param>
    /// <param name="prompt">The prompt. Ids that are not tokens of the codec are left out.</param>
    /// <returns>The stream.</returns>
    public static ITextStream Begin(ITextStream stream, ITextCodec codec, IReadOnlyList<int> prompt)
    {
        // The text of a token may depend on earlier tokens: a space at the start of a text is left out.
        foreach (var id in prompt)
            if (codec.IsToken(id)) stream.Push(id);
        return stream;
    }

    /// <summary>Adds tokens that have not been computed to a pass; the last known one asks for logits.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="most">Maximum number of tokens to add.</param>
    public void AddTo(DecodePass pass, int slot, int most)
    {
        for (var end = Math.Min(Known.Count, _computed + most); _computed < end; _computed++)
        {
            Row = pass.Count;
            pass.Add(slot, _computed, Known[_computed], wanted: _computed == Known.Count - 1,
                _computed < _prompt ? _prompt : 0);
        }
    }

    /// <summary>Draws the next token from the logits after the last known one.</summary>
    /// <param name="decoder">What computed them.</param>
    /// <param name="row">Their row in its last pass.</param>
    /// <param name="scratch">Working memory, which nobody else uses meanwhile.</param>
    /// <param name="allowed">The tokens that may be drawn, one bit each; empty for all.</param>
    /// <param name="mayEnd">Whether the end tokens are allowed as well.</param>
    public GeneratedToken Advance(IDecoder decoder, int row, SamplerScratch scratch,
        ReadOnlySpan<ulong> allowed = default, bool mayEnd = false)
    {
        var limits = new DrawLimits(allowed, mayEnd ? _endTokens : [], Count < _minTokens ? _endTokens : []);
        var id = Draw(decoder, row, scratch, allowed.IsEmpty, limits);
        if (id < 0) return End(-1, "", StopReason.EndToken); // the limits leave nothing to go on with
        Known.Add(id);
        if (_endTokens.Contains(id)) return End(id, "", StopReason.EndToken);
        var text = _filter.Push(_stream?.Push(id) ?? "", Count >= _minTokens);
        if (_filter.Stopped || Count == _limit) return End(id, text, _atLimit);
        return new GeneratedToken(_index, id, text, Stop);
    }

    /// <summary>Ends the sequence as cancelled.</summary>
    public GeneratedToken Cancel() => End(-1, "", StopReason.Cancelled);

    /// <summary>Ends a sequence that draws nothing, because it was asked for no token.</summary>
    public GeneratedToken EndEmpty() => new(_index, -1, "", Stop = StopReason.Length);

    private int Draw(IDecoder decoder, int row, SamplerScratch scratch, bool free, DrawLimits limits)
    {
        // A device can return the likeliest token directly; all logits of a batch are tens of megabytes.
        if (free && TakesLikeliest && decoder.MostLikely(row) is var likeliest && _sampler.MayDraw(likeliest.Id)
            && limits.Allow(likeliest.Id)) return Sampler.Take(likeliest);
        if (free && limits.IsNone && MayTakeLargest && decoder.Largest(row) is { } largest
            && _sampler.TryNext(largest, scratch) is >= 0 and var id) return id;
        return _sampler.Next(decoder.Logits(row), limits, scratch);
    }

    private GeneratedToken End(int id, string text, StopReason reason)
    {
        if (!_filter.Stopped) text += _filter.Push(_stream?.Finish() ?? "", Count >= _minTokens);
        Stop = _filter.Stopped ? StopReason.StopString : reason;
        return new GeneratedToken(_index, id, text + _filter.Finish(), Stop);
    }
}
