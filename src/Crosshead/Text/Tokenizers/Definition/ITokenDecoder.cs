using System.Text;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>Turns ids back into text one after the other; bytes that do not make a character yet are held back.</summary>
internal interface ITokenDecoder
{
    /// <summary>Takes the next id and appends the text that is now certain.</summary>
    void Append(int id, StringBuilder text);

    /// <summary>Appends what was held back, incomplete characters as U+FFFD, and starts afresh.</summary>
    void Finish(StringBuilder text);
}
