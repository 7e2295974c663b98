using System.Text.Json;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Formats;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>
/// Small tokenizers in the shape of those of model families, made by Fixtures/make_tokenizer_families.mjs, against
/// Hugging Face's tokenizers.
/// </summary>
public sealed class TokenizerFamilyTests
{
    private static readonly JsonElement s_fixture = TokenizerFixture.Read("tokenizer-families.json");

    private static readonly string[] s_texts =
        [.. s_fixture.GetProperty("texts").EnumerateArray().Select(text => text.GetString()!)];

    public static TheoryData<string> Cases =>
        [.. s_fixture.GetProperty("cases").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ids_and_texts_are_the_same(string name)
    {
        var (expected, tokenizer) = Case(name);
        for (var i = 0; i < s_texts.Length; i++)
        {
            var ids = TokenizerFixture.Ids(expected.GetProperty("ids")[i]);
            TokenizerFixture.AssertIds(s_texts[i], ids, tokenizer.Encode(s_texts[i]));
            foreach (var (kind, skip) in new[] { ("decoded", false), ("skipped", true) })
            {
                var text = expected.GetProperty(kind).TryGetProperty($"{i}", out var other) ? other.GetString()
                    : s_texts[i];
                Assert.Equal((s_texts[i], text), (s_texts[i], tokenizer.Decode(ids, skip)));
                var stream = tokenizer.CreateDecodeStream(skip);
                Assert.Equal(text, string.Concat(ids.Select(stream.Step)) + stream.Finish());
            }
        }
    }

    [Theory]
    [InlineData("gpt-oss")]
    [InlineData("phi-4, olmo 2")]
    [InlineData("possessive words")]
    [InlineData("seed-oss")]
    [InlineData("deepseek-v3")]
    [InlineData("digits together")]
    public void Any_text_comes_back(string name)
    {
        var tokenizer = Case(name).Tokenizer;
        TinyTokenizer.Mixed.Sample(text => Assert.Equal(text,
            tokenizer.Decode(tokenizer.Encode(text, parseSpecialTokens: false))), iter: 300);
    }

    [Theory]
    [InlineData("gpt-oss")]
    [InlineData("deepseek-v3")]
    [InlineData("unigram, bytes")]
    public void Half_of_a_surrogate_pair_is_a_replacement_character(string name)
    {
        var tokenizer = Case(name).Tokenizer;
        foreach (var half in (string[])["\ud83d", "a\ude00b", "\ud83d\ud83d\ude00 x"])
            TokenizerFixture.AssertIds(half, tokenizer.Encode(string.Concat(half.EnumerateRunes())),
                tokenizer.Encode(half));
    }

    [Theory]
    [InlineData("gpt-oss")]
    [InlineData("deepseek-v3")]
    [InlineData("deepseek-coder")]
    [InlineData("MergedWithNext true")]
    public void A_file_that_is_written_is_read_as_the_same_tokenizer(string name)
    {
        var tokenizer = Case(name).Tokenizer;
        var written = new Tokenizer(TokenizerWriter.Write(tokenizer.Definition), null, "written.json");
        foreach (var text in s_texts) TokenizerFixture.AssertIds(text, tokenizer.Encode(text), written.Encode(text));
    }

    private static (JsonElement Expected, Tokenizer Tokenizer) Case(string name)
    {
        var expected = s_fixture.GetProperty("cases").EnumerateArray()
            .Single(entry => entry.GetProperty("name").GetString() == name);
        var json = TokenizerPipelineTests.Patched(s_fixture, expected);
        return (expected, new Tokenizer(JsonSerializer.SerializeToUtf8Bytes(json), null, "tokenizer.json"));
    }
}
