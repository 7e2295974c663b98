namespace Crosshead.Generation;

/// <summary>Turns tokens into text, one token at a time. A character may need more than one token.</summary>
public interface ITextStream
{
    /// <summary>
    /// Takes token <paramref name="id"/>; returns the characters that the token completes, or an empty text.
    /// </summary>
    string Push(int id);

    /// <summary>
    /// Returns the rest of the text at the end: replacement characters if the last character is incomplete.
    /// </summary>
    string Finish();
}
