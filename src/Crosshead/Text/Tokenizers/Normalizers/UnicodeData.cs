using System.Globalization;

namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>
/// The character data of the Unicode normal forms (Unicode Standard Annex 15): combining classes, decompositions and
/// compositions. It is read from an embedded table on first use.
/// </summary>
internal static class UnicodeData
{
    private const int HangulSyllables = 0xAC00, LeadingConsonants = 0x1100, Vowels = 0x1161,
    TrailingConsonants = 0x11A7;
    private const int LeadingCount = 19, VowelCount = 21, TrailingCount = 28,
        SyllableCount = LeadingCount * VowelCount * TrailingCount;

    private static readonly Dictionary<int, byte> Classes = [];
    private static readonly Dictionary<int, (int[] Parts, bool Compatibility)> Decompositions = [];
    private static readonly Dictionary<(int First, int Second), int> Compositions = [];

    static UnicodeData()
    {
        using var stream = typeof(UnicodeData).Assembly.GetManifestResourceStream("Crosshead.Text.normalization.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;
            var fields = line.Split(';');
            var code = Hex(fields[0]);
            if (fields[1].Length > 0)
                Classes[code] = byte.Parse(fields[1], CultureInfo.InvariantCulture);
            if (fields[2].Length == 0)
                continue;
            var compatibility = fields[2][0] == '~';
            int[] parts = [.. fields[2].TrimStart('~', '!').Split(' ').Select(Hex)];
            Decompositions[code] = (parts, compatibility);
            if (!compatibility && fields[2][0] != '!')
                Compositions[(parts[0], parts[1])] = code;
        }
    }

    /// <summary>
    /// Every character that has a combining class or a decomposition, or is the second part of a composition.
    /// </summary>
    public static IEnumerable<int> Characters =>
        Classes.Keys.Concat(Decompositions.Keys).Concat(Compositions.Keys.Select(pair => pair.Second))
        .Concat(Enumerable.Range(Vowels, VowelCount)).Concat(Enumerable.Range(TrailingConsonants + 1,
            TrailingCount - 1)).Concat(Enumerable.Range(HangulSyllables, SyllableCount));

    /// <summary>Characters that may join the one before them.</summary>
    public static HashSet<int> SecondParts => [.. Compositions.Keys.Select(pair => pair.Second),
        .. Enumerable.Range(Vowels, VowelCount), .. Enumerable.Range(TrailingConsonants + 1, TrailingCount - 1)];

    /// <summary>The canonical combining class; 0 for a starter.</summary>
    public static byte CombiningClass(int code) => Classes.GetValueOrDefault(code);

    /// <summary>Appends the full decomposition of a character, or the character itself if it has none.</summary>
    public static void Decompose(int code, bool compatibility, List<int> result)
    {
        var syllable = code - HangulSyllables;
        if (syllable is >= 0 and < SyllableCount)
        {
            result.Add(LeadingConsonants + syllable / (VowelCount * TrailingCount));
            result.Add(Vowels + syllable % (VowelCount * TrailingCount) / TrailingCount);
            if (syllable % TrailingCount != 0)
                result.Add(TrailingConsonants + syllable % TrailingCount);
        }
        else if (Decompositions.TryGetValue(code, out var decomposition)
            && (compatibility || !decomposition.Compatibility))
        {
            foreach (var part in decomposition.Parts)
                Decompose(part, compatibility, result);
        }
        else
        {
            result.Add(code);
        }
    }

    /// <summary>The composition of two characters, or null.</summary>
    public static int? Compose(int first, int second)
    {
        if (first - LeadingConsonants is >= 0 and < LeadingCount and var leading
            && second - Vowels is >= 0 and < VowelCount and var vowel)
            return HangulSyllables + (leading * VowelCount + vowel) * TrailingCount;
        if (first - HangulSyllables is >= 0 and < SyllableCount and var syllable && syllable % TrailingCount == 0
            && second - TrailingConsonants is > 0 and < TrailingCount and var trailing)
            return first + trailing;
        return Compositions.TryGetValue((first, second), out var composed) ? composed : null;
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
