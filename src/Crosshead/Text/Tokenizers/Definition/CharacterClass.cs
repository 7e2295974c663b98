using System.Buffers;
using System.Globalization;
using System.Text;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// The character classes that the pre-tokenizer's expressions distinguish: letters, numbers, white space, line ends,
/// the rest.
/// </summary>
internal static class CharacterClass
{
    public const byte Other = 0;
    public const byte Letter = 1;
    public const byte Number = 2;
    public const byte Space = 3;
    public const byte LineEnd = 4;

    private static readonly byte[] Table = Build();

    /// <summary>
    /// The class of the character at <paramref name="index"/>, which takes <paramref name="length"/> UTF-16 units.
    /// Half of a surrogate pair is <see cref="Other"/>, as is U+FFFD, which it becomes in UTF-8.
    /// </summary>
    public static byte At(ReadOnlySpan<char> text, int index, out int length)
    {
        var c = text[index];
        length = 1;
        if (!char.IsHighSurrogate(c) || index + 1 >= text.Length || !char.IsLowSurrogate(text[index + 1]))
            return Table[c];
        length = 2;
        return Of(Rune.GetUnicodeCategory(new Rune(c, text[index + 1])));
    }

    /// <summary>
    /// Whether the character at <paramref name="index"/> can be a capital or a small letter; it takes
    /// <paramref name="length"/> UTF-16 units.
    /// </summary>
    public static LetterCase CaseAt(ReadOnlySpan<char> text, int index, out int length)
    {
        length = 1;
        if (Rune.DecodeFromUtf16(text[index..], out var rune, out var units) != OperationStatus.Done)
            return LetterCase.None;
        length = units;
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => LetterCase.Capital,
            UnicodeCategory.LowercaseLetter => LetterCase.Small,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark =>
                LetterCase.Capital | LetterCase.Small,
            _ => LetterCase.None,
        };
    }

    /// <summary>Whether the character that ends before <paramref name="index"/> is a word character.</summary>
    public static bool IsWordBefore(ReadOnlySpan<char> text, int index) =>
        Rune.DecodeLastFromUtf16(text[..index], out var rune, out _) == OperationStatus.Done && IsWord(rune);

    /// <summary>Whether the character that begins at <paramref name="index"/> is a word character.</summary>
    public static bool IsWordAt(ReadOnlySpan<char> text, int index) =>
        Rune.DecodeFromUtf16(text[index..], out var rune, out _) == OperationStatus.Done && IsWord(rune);

    // \w of Unicode Technical Standard 18: alphabetic characters, marks, digits, connectors and the two joiners.
    private static bool IsWord(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.OtherSymbol => rune.Value is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
            or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        UnicodeCategory.Format => rune.Value is 0x200C or 0x200D,
        var category => Of(category) == Letter,
    };

    private static byte Of(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
        _ => Other,
    };

    private static byte[] Build()
    {
        var table = new byte[char.MaxValue + 1];
        for (var c = 0; c < table.Length; c++)
            table[c] = c is '\r' or '\n' ? LineEnd : char.IsWhiteSpace((char)c) ? Space
                : Of(char.GetUnicodeCategory((char)c));
        return table;
    }
}
