namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>How plain text, without added tokens, becomes token ids. Safe to use from several threads.</summary>
internal interface ITokenizerModel
{
    /// <summary>
    /// Appends the ids of <paramref name="text"/>; <paramref name="first"/> says that nothing stands before it.
    /// </summary>
    void Encode(ReadOnlySpan<char> text, bool first, List<int> ids);

    /// <summary>A decoder for one sequence of ids.</summary>
    ITokenDecoder CreateDecoder();

    /// <summary>The bytes that a token stands for within a text; none if the id is no token.</summary>
    ReadOnlySpan<byte> BytesOf(int id);
}
