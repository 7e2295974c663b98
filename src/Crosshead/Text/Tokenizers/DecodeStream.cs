using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers;

/// <summary>
/// Decodes ids one by one, as generation makes them. Each <see cref="Step"/> returns the text that is certain by then.
/// All these texts together equal the result of <see cref="Tokenizer.Decode"/>. A character whose bytes are spread over
/// several tokens appears with its last byte. A character of SentencePiece's byte tokens appears with the token after
/// the last of them, because one invalid byte turns all bytes beside it into U+FFFD. A stream is for one sequence and
/// one thread.
/// </summary>
public sealed class DecodeStream
{
    private readonly Tokenizer _tokenizer;
    private readonly ITokenDecoder _decoder;
    private readonly bool _skipSpecialTokens;
    private readonly StringBuilder _text = new();

    internal DecodeStream(Tokenizer tokenizer, ITokenDecoder decoder, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _decoder = decoder;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Takes the next id and returns the new text, which is often empty inside a character.</summary>
    /// <param name="id">A token id.</param>
    /// <exception cref="CrossheadException">The id is not in the vocabulary.</exception>
    public string Step(int id)
    {
        Append(id);
        return Take();
    }

    /// <summary>Ends the sequence and returns the remaining text, with an incomplete character as U+FFFD.</summary>
    public string Finish()
    {
        _decoder.Finish(_text);
        return Take();
    }

    internal void Append(int id)
    {
        _tokenizer.RequireId(id);
        if (!_skipSpecialTokens || !_tokenizer.IsSpecial(id))
            _decoder.Append(id, _text);
    }

    private string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        return text;
    }
}
