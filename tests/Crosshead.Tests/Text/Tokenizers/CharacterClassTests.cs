using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>What \p{L}, \p{N}, \s and \w mean for every character, against Hugging Face's tokenizers.</summary>
public sealed class CharacterClassTests
{
    // Numbers of Unicode 17, which .NET 10 does not know yet; a Digits pre-tokenizer alone would tell them apart.
    private static readonly HashSet<int> s_later = [.. Enumerable.Range(0x11DE0, 10), .. Enumerable.Range(0x16FF4, 3)];

    [Theory]
    [InlineData("byte_level")]
    [InlineData("split")]
    [InlineData("digits")]
    [InlineData("word")]
    [InlineData("space")]
    public void Every_character_has_the_same_class(string set)
    {
        var runs = TokenizerFixture.Read("character-classes.json").GetProperty(set).EnumerateArray()
            .Select(run => (First: run[0].GetInt32(), Class: run[1].GetString()!)).ToList();
        for (var r = 0; r < runs.Count; r++)
            for (var c = runs[r].First; c < (r + 1 < runs.Count ? runs[r + 1].First : 0x110000); c++)
                if (c is < 0xD800 or > 0xDFFF && !(set == "digits" && s_later.Contains(c)))
                    Assert.Equal((c, runs[r].Class), (c, ClassOf(set, char.ConvertFromUtf32(c))));
    }

    private static string ClassOf(string set, string text)
    {
        var kind = CharacterClass.At(text, 0, out _);
        var space = kind is CharacterClass.Space or CharacterClass.LineEnd;
        return set switch
        {
            "digits" => kind == CharacterClass.Number ? "N" : "O",
            "space" => text.Trim().Length == 0 ? "S" : "O",
            "word" => CharacterClass.IsWordAt(text, 0) && CharacterClass.IsWordBefore(text, text.Length) ? "W" : "O",
            _ => space ? "S" : kind == CharacterClass.Letter ? "L" : kind == CharacterClass.Number ? "N" : "O",
        };
    }
}
