using System.Text;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>Decodes ids one after the other. Bytes of an incomplete character are held back.</summary>
internal interface ITokenDecoder
{
    /// <summary>Takes the next id and appends the text that is certain now.</summary>
    void Append(int id, StringBuilder text);

    /// <summary>Appends the held-back text, with incomplete characters as U+FFFD, and starts again.</summary>
    void Finish(StringBuilder text);
}
