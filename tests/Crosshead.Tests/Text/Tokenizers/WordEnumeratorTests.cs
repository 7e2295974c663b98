using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Crosshead.Text.Tokenizers.Definition;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class WordEnumeratorTests
{
    // Pieces that meet every branch of the expressions: contractions in both cases, the long s, white space and
    // line ends of many kinds, letters, numbers and marks of several scripts, pairs of surrogates and halves.
    private static readonly Gen<string> Text = TextGen.OneOf(
        "'", "'s", "'S", "'ll", "'RE", "'ſ", "'v", "s", "t", "re", " ", "  ", "\t", "\r", "\n", "\r\n", "\u00a0",
        "\u2003", "\u0085", "a", "Zz", "AB", "ǅ", "ʰ", "é", "ß", "Ж", "日本", "/", "/\n",
        "0", "12", "9876", "Ⅷ", "½", "٣", "-", "!?", "\"", "e\u0301", "\u0301", "\U000101FD", "𐐀", "𝒜", "𐐷",
        "𝟙", "😀", "👩‍👩‍👧", "\ud83d", "\ude00",
        "\u0000", "\ufffd", "_").Array[0, 30].Select(string.Concat);

    [Theory]
    [InlineData(PreTokenizerPattern.Gpt2)]
    [InlineData(PreTokenizerPattern.Llama3)]
    [InlineData(PreTokenizerPattern.Qwen2)]
    [InlineData(PreTokenizerPattern.Tekken)]
    public void Cuts_as_the_regular_expression_does(PreTokenizerPattern pattern) =>
        Text.Sample(
        text => Assert.Equal(ByRegex(text, PreTokenizerRegex.Of(pattern)), Words(text, pattern)), iter: 6_000);

    [Fact]
    public void Digits_stand_alone_and_end_the_text_for_what_is_before_them() => Text.Sample(text =>
        Assert.Equal(PiecesBetweenDigits(text).SelectMany(piece => ByRegex(piece, PreTokenizerRegex.Gpt2)),
            Words(text, PreTokenizerPattern.Gpt2Digits)), iter: 6_000);

    [Fact]
    public void Any_characters_are_cut_without_loss() =>
        Gen.String.Select(Gen.Enum<PreTokenizerPattern>())
        .Sample((text, pattern) => Assert.Equal(text, string.Concat(Words(text, pattern))), iter: 2_000);

    private static List<string> Words(string text, PreTokenizerPattern pattern)
    {
        var words = new List<string>();
        for (var enumerator = new WordEnumerator(text, pattern); enumerator.MoveNext();)
            words.Add(enumerator.Current.ToString());
        return words;
    }

    // .NET's expressions see UTF-16 units, Hugging Face's see characters. Each character outside the first plane is
    // therefore replaced by one of its class inside it for the match, and the match carried back.
    private static List<string> ByRegex(string text, string regex)
    {
        var characters = Classes(text, folds: regex.Contains("(?i:", StringComparison.Ordinal));
        var mapped = string.Concat(characters.Select(c => c.Mapped));
        var words = new List<string>();
        foreach (Match match in Regex.Matches(mapped, regex, RegexOptions.CultureInvariant))
            words.Add(string.Concat(characters.Skip(match.Index).Take(match.Length).Select(c => c.Original)));
        return words;
    }

    private static (string Original, char Mapped)[] Classes(string text, bool folds)
    {
        var characters = new List<(string, char)>();
        for (var i = 0; i < text.Length;)
        {
            var valid = Rune.TryGetRuneAt(text, i, out var rune);
            var length = valid ? rune.Utf16SequenceLength : 1;
            // Oniguruma folds the long s to s, .NET does not: give .NET an S, which it folds.
            var mapped = !valid ? '\uFFFD' : folds && rune.Value == 'ſ' && i > 0 && text[i - 1] == '\'' ? 'S'
                : length == 1 ? text[i] : Rune.GetUnicodeCategory(rune) switch
                {
                    UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => 'A',
                    UnicodeCategory.LowercaseLetter => 'a',
                    UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => '日',
                    UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                        or UnicodeCategory.EnclosingMark => '\u0301',
                    UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber =>
                        '1',
                    _ => '!',
                };
            characters.Add((text.Substring(i, length), mapped));
            i += length;
        }
        return [.. characters];
    }

    private static List<string> PiecesBetweenDigits(string text)
    {
        var pieces = new List<string>();
        var current = "";
        foreach (var (original, mapped) in Classes(text, folds: false))
        {
            if (!Regex.IsMatch(mapped.ToString(), @"\p{N}"))
            {
                current += original;
                continue;
            }
            pieces.AddRange([current, original]);
            current = "";
        }
        return [.. pieces.Append(current).Where(piece => piece.Length > 0)];
    }
}
