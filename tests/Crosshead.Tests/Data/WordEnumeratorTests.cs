using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Crosshead.Data;
using CsCheck;

namespace Crosshead.Tests.Data;

public class WordEnumeratorTests
{
    [Theory]
    [InlineData(PreTokenizerPattern.Gpt2)]
    [InlineData(PreTokenizerPattern.Llama3)]
    [InlineData(PreTokenizerPattern.Qwen2)]
    public void The_scanner_finds_the_words_of_the_expression(PreTokenizerPattern pattern)
    {
        var expression = new Regex(PreTokenizerRegex.Of(pattern), RegexOptions.CultureInvariant);
        TinyTokenizer.Mixed.Sample(text => Assert.Equal(Reference(text, expression), Words(text, pattern)), iter: 3000, print: Escape);
    }

    [Fact]
    public void Digits_that_stand_alone_end_the_text_before_them()
    {
        var expression = new Regex(PreTokenizerRegex.Gpt2, RegexOptions.CultureInvariant);
        TinyTokenizer.Mixed.Sample(text =>
        {
            var expected = new List<string>();
            foreach (var piece in Pieces(text))
                expected.AddRange(Reference(piece, expression));
            Assert.Equal(expected, Words(text, PreTokenizerPattern.Gpt2Digits));
        }, iter: 2000, print: Escape);
    }

    [Theory]
    [InlineData(PreTokenizerPattern.Gpt2, "I'll  go\n\n now", "I|'ll| | go|\n\n| now")]
    [InlineData(PreTokenizerPattern.Gpt2, "a1234 b  ", "a|1234| b|  ")]
    [InlineData(PreTokenizerPattern.Llama3, "I'LL pay $12345!\n\n ok", "I|'LL| pay| $|123|45|!\n\n| ok")]
    [InlineData(PreTokenizerPattern.Llama3, "\U0001D400\U0001D401 \U0001D7D8", "\U0001D400\U0001D401| |\U0001D7D8")]
    [InlineData(PreTokenizerPattern.Llama3, "it'\u017F", "it|'\u017F")]
    [InlineData(PreTokenizerPattern.Qwen2, "v12", "v|1|2")]
    [InlineData(PreTokenizerPattern.Gpt2Digits, "in 2026 ", "in| |2|0|2|6| ")]
    public void Known_words(PreTokenizerPattern pattern, string text, string words) => Assert.Equal(words.Split('|'), Words(text, pattern));

    private static List<string> Words(string text, PreTokenizerPattern pattern)
    {
        var words = new List<string>();
        var scanner = new WordEnumerator(text, pattern);
        while (scanner.MoveNext()) words.Add(scanner.Current.ToString());
        Assert.Equal(text, string.Concat(words));
        return words;
    }

    // .NET's expressions see UTF-16 units: each character beyond them is one of its kind within them.
    private static List<string> Reference(string text, Regex expression)
    {
        var runes = text.EnumerateRunes().ToArray();
        var stand = string.Concat(runes.Select(rune => rune.IsBmp ? (char)rune.Value : Rune.IsLetter(rune) ? 'q' : IsNumber(rune) ? '7' : '#'));
        return [.. expression.Matches(stand).Select(match => string.Concat(runes.AsSpan(match.Index, match.Length).ToArray()))];
    }

    private static IEnumerable<string> Pieces(string text)
    {
        var piece = "";
        foreach (var rune in text.EnumerateRunes())
        {
            if (!IsNumber(rune))
            {
                piece += rune;
                continue;
            }
            yield return piece;
            piece = "";
            yield return rune.ToString();
        }
        yield return piece;
    }

    private static bool IsNumber(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    private static string Escape(string text) => string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:X4}"));
}
