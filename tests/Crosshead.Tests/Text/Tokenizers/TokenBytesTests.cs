using System.Text;
using Crosshead.Text.Tokenizers;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class TokenBytesTests
{
    [Fact]
    public void The_bytes_of_the_tokens_of_a_text_are_the_bytes_of_the_text() => TinyTokenizer.Mixed.Sample(text =>
        Assert.Equal(Encoding.UTF8.GetBytes(text), Bytes(TinyTokenizer.Llama3,
            TinyTokenizer.Llama3.Encode(text, addSpecialTokens: false))), iter: 500);

    [Fact]
    public void Byte_tokens_of_a_SentencePiece_tokenizer_are_one_byte_and_its_space_is_a_space()
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "models", "stories260K"));
        var ids = tokenizer.Encode("one € two", addSpecialTokens: false);
        Assert.Equal(" one € two", Encoding.UTF8.GetString(Bytes(tokenizer, ids)));
        Assert.Equal("</s>"u8, tokenizer.BytesOf(tokenizer.EosTokenId!.Value));
        Assert.Equal([], tokenizer.BytesOf(-1).ToArray());
        Assert.Equal([], tokenizer.BytesOf(tokenizer.VocabularySize).ToArray());
    }

    private static byte[] Bytes(Tokenizer tokenizer, int[] ids)
    {
        var bytes = new List<byte>();
        foreach (var id in ids) bytes.AddRange(tokenizer.BytesOf(id));
        return [.. bytes];
    }
}
