namespace Crosshead.Generation;

/// <summary>Text to tokens and back, as far as generation needs it.</summary>
public interface ITextCodec
{
    /// <summary>Tokens of a text.</summary>
    IReadOnlyList<int> Encode(string text);

    /// <summary>A new decoder for one sequence of tokens.</summary>
    ITextStream CreateStream();
}
