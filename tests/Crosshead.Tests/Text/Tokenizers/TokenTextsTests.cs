using System.Text;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class TokenTextsTests
{
    [Fact]
    public void Texts_of_every_length_are_found_by_id_and_by_text()
    {
        var random = new Random(7);
        var tokens = new Dictionary<string, int> { [""] = 3 };
        for (var i = 0; i < 20_000; i++)
        {
            var letters = new char[i % 400 == 0 ? random.Next(200, 3000) : random.Next(1, 20)];
            for (var at = 0; at < letters.Length; at++) letters[at] = "abcdé▁Ġ中"[random.Next(8)];
            tokens.TryAdd(new string(letters), 5 + i);
        }
        var texts = TokenTexts.Of(tokens);
        Assert.Equal(tokens.Values.Max() + 1, texts.Size);
        Assert.Equal(tokens.OrderBy(t => t.Value), texts.All);
        foreach (var (text, id) in tokens)
        {
            Assert.Equal(id, texts.IdOf(text));
            Assert.Equal(text, texts.TextOf(id));
            foreach (var other in new[] { text + "z", "z" + text, $"{text}{text}é" })
                Assert.Equal(tokens.TryGetValue(other, out var known) ? known : null, texts.IdOf(other));
        }
        Assert.False(texts.Has(4));
        Assert.False(texts.Has(-1));
        Assert.Null(texts.TextOf(texts.Size));
        Assert.Null(texts.IdOf("\ud800"));
    }

    [Fact]
    public void A_text_has_one_id()
    {
        var texts = new TokenTexts(3, 3, 0);
        Assert.True(texts.TryAdd("ab"u8, 0));
        Assert.False(texts.TryAdd("ab"u8, 1));
        Assert.True(texts.TryAdd(Encoding.UTF8.GetBytes(new string('c', 10_000)), 2)); // more than it has room for
        Assert.Equal((0, 2), (texts.Find("ab"u8), texts.Find(Encoding.UTF8.GetBytes(new string('c', 10_000)))));
        Assert.Equal(-1, texts.Find("b"u8));
        Assert.True(texts.IsJoined(0, "a"u8, "b"u8));
        Assert.True(texts.IsJoined(0, ""u8, "ab"u8));
        Assert.False(texts.IsJoined(0, "a"u8, "c"u8));
        Assert.False(texts.IsJoined(0, "b"u8, "b"u8));
        Assert.False(texts.IsJoined(1, "a"u8, "b"u8));
    }
}
