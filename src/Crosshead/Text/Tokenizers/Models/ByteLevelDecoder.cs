using System.Buffers;
using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Models;

/// <summary>
/// Joins the bytes of byte-level tokens and reads them as UTF-8. The bytes of a character may be in several tokens.
/// </summary>
internal sealed class ByteLevelDecoder(ByteLevelModel model) : ITokenDecoder
{
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder(); // keeps the bytes of an incomplete character

    public void Append(int id, StringBuilder text) => Decode(model.BytesOf(id), flush: false, text);

    public void Finish(StringBuilder text) => Decode([], flush: true, text);

    private void Decode(ReadOnlySpan<byte> bytes, bool flush, StringBuilder text)
    {
        var characters = ArrayPool<char>.Shared.Rent(Encoding.UTF8.GetMaxCharCount(bytes.Length) + 4);
        text.Append(characters.AsSpan(0, _utf8.GetChars(bytes, characters, flush)));
        ArrayPool<char>.Shared.Return(characters);
    }
}
