using System.Text;
using Crosshead.Decoding;

namespace Crosshead.Generation;

/// <summary>A sequence that is being continued: its tokens, the drawing of the next ones, and their text.</summary>
internal sealed class Request
{
    private readonly List<int> _known; // the prompt, then what was drawn
    private readonly int _index, _prompt, _limit;
    private readonly IReadOnlyList<int> _endTokens;
    private readonly StopReason _atLimit;
    private readonly Sampler _sampler;
    private readonly ITextStream? _stream;
    private readonly StopStringFilter _filter;
    private int _row; // of the last known token in its pass
    private int _computed; // of the known tokens, those that were handed to a decoder

    /// <summary>Creates a request; nothing is computed yet.</summary>
    /// <param name="prompt">The tokens to continue.</param>
    /// <param name="index">Index of the prompt. Its tokens are reported with this index and use this stream of random
    /// numbers.</param>
    /// <param name="context">Maximum number of tokens of the model.</param>
    /// <param name="options">How much is generated and where it ends.</param>
    /// <param name="vocabulary">Number of logits.</param>
    /// <param name="codec">The tokenizer; null for tokens alone.</param>
    /// <param name="suppressed">Tokens that are never drawn, in ascending order.</param>
    public Request(IReadOnlyList<int> prompt, int index, int context, GenerationOptions options, int vocabulary,
        ITextCodec? codec, IReadOnlyList<int> suppressed)
    {
        (_known, _index, _prompt, _endTokens) = ([.. prompt], index, prompt.Count, options.EndTokens);
        _limit = Math.Min(options.MaxTokens, context - prompt.Count);
        _atLimit = _limit < options.MaxTokens ? StopReason.Context : StopReason.Length;
        _sampler = new Sampler(options.Sampling, vocabulary, index, suppressed);
        _sampler.Observe([.. prompt]);
        _stream = codec?.CreateStream();
        // The text of a token may depend on earlier tokens: a space at the start of a text is left out.
        foreach (var id in prompt)
            if (codec?.IsToken(id) == true) _stream!.Push(id);
        _filter = new StopStringFilter(options.StopStrings);
    }

    /// <summary>The drawn tokens.</summary>
    public IReadOnlyList<int> Ids => _known[_prompt..];

    /// <summary>Number of drawn tokens.</summary>
    public int Count => _known.Count - _prompt;

    /// <summary>Text of the drawn tokens, up to a stop string.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Why the sequence ended; null while it continues.</summary>
    public StopReason? Stop { get; private set; }

    /// <summary>Number of known tokens that have not been computed.</summary>
    public int Left => _known.Count - _computed;

    /// <summary>Adds tokens that have not been computed to a pass; the last known one asks for logits.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="most">Maximum number of tokens to add.</param>
    public void AddTo(DecodePass pass, int slot, int most)
    {
        for (var end = Math.Min(_known.Count, _computed + most); _computed < end; _computed++)
        {
            _row = pass.Count;
            pass.Add(slot, _computed, _known[_computed], wanted: _computed == _known.Count - 1);
        }
    }

    /// <summary>Draws the next token from the logits after the last known one.</summary>
    /// <param name="decoder">What computed them.</param>
    public GeneratedToken Advance(IDecoder decoder)
    {
        // A device can return the likeliest token directly; all logits of a batch are tens of megabytes.
        var id = _sampler.IsGreedy && decoder.MostLikely(_row) is var likeliest && _sampler.MayDraw(likeliest.Id)
            ? Sampler.Take(likeliest) : _sampler.Next(decoder.Logits(_row));
        _known.Add(id);
        if (_endTokens.Contains(id)) return End(id, "", StopReason.EndToken);
        var text = _filter.Push(_stream?.Push(id) ?? "");
        if (_filter.Stopped || Count == _limit) return End(id, text, _atLimit);
        return Shown(id, text);
    }

    /// <summary>Ends the sequence as cancelled.</summary>
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
