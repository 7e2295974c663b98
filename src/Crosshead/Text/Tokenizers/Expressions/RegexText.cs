using System.Globalization;
using System.Text;

namespace Crosshead.Text.Tokenizers.Expressions;

/// <summary>
/// Text for .NET's regular expressions, which look at UTF-16 units where Oniguruma looks at characters. A character of
/// two units is shown as another one of the same Unicode category.
/// </summary>
internal static class RegexText
{
    // A character of one unit for each category that has characters of two. No expression may name one of them.
    private static readonly Dictionary<UnicodeCategory, char> s_shown = new()
    {
        [UnicodeCategory.UppercaseLetter] = '\uA640',
        [UnicodeCategory.LowercaseLetter] = '\uAB70',
        [UnicodeCategory.ModifierLetter] = '\uA015',
        [UnicodeCategory.OtherLetter] = '\uA000',
        [UnicodeCategory.NonSpacingMark] = '\uA8C4',
        [UnicodeCategory.SpacingCombiningMark] = '\uA823',
        [UnicodeCategory.DecimalDigitNumber] = '\uA8D0',
        [UnicodeCategory.LetterNumber] = '\uA6E6',
        [UnicodeCategory.OtherNumber] = '\uA830',
        [UnicodeCategory.DashPunctuation] = '\uFE58',
        [UnicodeCategory.OtherPunctuation] = '\uA673',
        [UnicodeCategory.MathSymbol] = '\uFB29',
        [UnicodeCategory.CurrencySymbol] = '\uA838',
        [UnicodeCategory.ModifierSymbol] = '\uA700',
        [UnicodeCategory.OtherSymbol] = '\uA490',
        [UnicodeCategory.Format] = '\uFFF9',
        [UnicodeCategory.PrivateUse] = '\uE000',
    };

    private const char Unassigned = '\uFDD0';

    /// <summary>One unit per character; empty if the text has one unit per character already.</summary>
    public static ReadOnlyMemory<char> Of(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyInRange('\uD800', '\uDFFF')) return default;
        var units = new char[text.Length];
        var count = 0;
        foreach (var rune in text.EnumerateRunes()) // half of a pair is U+FFFD, as in UTF-8
            units[count++] = rune.IsBmp ? (char)rune.Value
                : s_shown.GetValueOrDefault(Rune.GetUnicodeCategory(rune), Unassigned);
        return units.AsMemory(0, count);
    }

    /// <summary>Whether a range of characters has one that may stand for another one.</summary>
    public static bool Stands(char first, char last) =>
        s_shown.Values.Append(Unassigned).Any(character => first <= character && character <= last);
}
