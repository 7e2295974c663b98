namespace Crosshead.Generation;

/// <summary>Converts text to tokens and back, for generation.</summary>
public interface ITextCodec
{
    /// <summary>Tokens of a text.</summary>
    IReadOnlyList<int> Encode(string text);

    /// <summary>
    /// Whether an id is a token of the tokenizer. A model's table may have rows for more ids, which have no text.
    /// </summary>
    bool IsToken(int id);

    /// <summary>A new decoder for one sequence of tokens.</summary>
    /// <param name="skipsSpecialTokens">Whether its text leaves special tokens out.</param>
    ITextStream CreateStream(bool skipsSpecialTokens = true);
}
