namespace Crosshead.Generation;

/// <summary>Turns tokens into text one at a time: a character may need more than one token.</summary>
public interface ITextStream
{
    /// <summary>The characters that <paramref name="id"/> completes; empty while the last one is incomplete.</summary>
    string Push(int id);

    /// <summary>The rest at the end: replacement characters if the last character is incomplete.</summary>
    string Finish();
}
