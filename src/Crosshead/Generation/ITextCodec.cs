namespace Crosshead.Generation;

/// <summary>Text to tokens and back, as far as generation needs it.</summary>
public interface ITextCodec
{
    /// <summary>Tokens of a text.</summary>
    IReadOnlyList<int> Encode(string text);

    /// <summary>Whether an id is a token of the tokenizer: a model's table may have rows for more ids, which stand for no text.</summary>
    bool IsToken(int id);

    /// <summary>A new decoder for one sequence of tokens.</summary>
    ITextStream CreateStream();
}
