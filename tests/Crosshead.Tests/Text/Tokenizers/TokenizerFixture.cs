using System.Text.Json;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>What other implementations gave, made by Fixtures/make_tokenizer_fixtures.py.</summary>
internal static class TokenizerFixture
{
    /// <summary>
    /// The odd texts: spaces, digits, code, scripts, emoji, marks, control characters, names of special tokens.
    /// </summary>
    public static readonly string[] Texts = [
        .. Read("tokenizer-texts.json").EnumerateArray().Select(text => text.GetString()!)];

    public static string Path(string name) =>
        System.IO.Path.Combine(AppContext.BaseDirectory, "Text", "Fixtures", name);

    public static JsonElement Read(string name) => JsonDocument.Parse(File.ReadAllBytes(Path(name))).RootElement;

    /// <summary>Fails with the text and both ids.</summary>
    public static void AssertIds(string text, IEnumerable<int> expected, IEnumerable<int> actual) =>
        Assert.Equal($"{text}: {string.Join(' ', expected)}", $"{text}: {string.Join(' ', actual)}");

    public static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];
}
