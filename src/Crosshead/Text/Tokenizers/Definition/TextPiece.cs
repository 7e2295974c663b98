namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>A part of a text: an added token, or plain text to be encoded.</summary>
/// <param name="Start">Where it begins, in UTF-16 units.</param>
/// <param name="End">Where it ends.</param>
/// <param name="Id">The token's id, -1 for plain text.</param>
internal readonly record struct TextPiece(int Start, int End, int Id)
{
    /// <summary>The id of plain text.</summary>
    public const int Plain = -1;
}
