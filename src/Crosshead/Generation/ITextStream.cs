namespace Crosshead.Generation;

/// <summary>Turns tokens into text one at a time: a character may need more than one token.</summary>
public interface ITextStream
{
    /// <summary>The characters that <paramref name="id"/> completes; empty while the last one is incomplete.</summary>
    string Push(int id);

    /// <summary>What is left at the end: replacement characters where the last character stayed incomplete.</summary>
    string Finish();
}
