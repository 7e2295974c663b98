using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers;

/// <summary>
/// Decodes ids as generation makes them: each <see cref="Step"/> gives the text that is certain by then, and all of it
/// together is what <see cref="Tokenizer.Decode"/> gives. A character whose bytes are spread over several tokens appears
/// when its last byte does; one of SentencePiece's byte tokens with the token after the last of them, because a bad
/// byte makes all bytes beside it U+FFFD. One stream serves one sequence and one thread.
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

    /// <summary>Takes the next id and returns the new text, often empty inside a character.</summary>
    /// <param name="id">A token id.</param>
    /// <exception cref="CrossheadException">The id is not in the vocabulary.</exception>
    public string Step(int id)
    {
        Append(id);
        return Take();
    }

    /// <summary>Ends the sequence: what was held back, an incomplete character as U+FFFD.</summary>
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
