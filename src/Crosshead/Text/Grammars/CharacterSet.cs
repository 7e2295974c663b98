using System.Text;

namespace Crosshead.Text.Grammars;

/// <summary>A set of characters: code points without halves of surrogate pairs.</summary>
internal sealed class CharacterSet
{
    private const int Last = 0x10FFFF;

    private readonly (int Low, int High)[] _ranges; // in order, with gaps between them

    private CharacterSet((int Low, int High)[] ranges) => _ranges = ranges;

    /// <summary>All characters.</summary>
    public static readonly CharacterSet All = Of((0, Last));

    /// <summary>The characters of some ranges, with their ends.</summary>
    public static CharacterSet Of(params IEnumerable<(int Low, int High)> ranges)
    {
        var joined = new List<(int Low, int High)>();
        foreach (var (low, high) in ranges.SelectMany(Whole).Order())
            if (joined.Count > 0 && low <= joined[^1].High + 1)
                joined[^1] = (joined[^1].Low, Math.Max(high, joined[^1].High));
            else
                joined.Add((low, high));
        return new CharacterSet([.. joined]);
    }

    /// <summary>The characters of a text.</summary>
    public static CharacterSet Of(string characters) => Of(characters.EnumerateRunes().Select(c => (c.Value, c.Value)));

    public bool IsEmpty => _ranges.Length == 0;

    public IReadOnlyList<(int Low, int High)> Ranges => _ranges;

    public CharacterSet Or(CharacterSet other) => Of([.. _ranges, .. other._ranges]);

    public CharacterSet Except(CharacterSet other) => other.Or(Not()).Not();

    /// <summary>All other characters.</summary>
    public CharacterSet Not()
    {
        var (others, begin) = (new List<(int, int)>(), 0);
        foreach (var (low, high) in _ranges)
        {
            if (begin < low) others.Add((begin, low - 1));
            begin = high + 1;
        }
        if (begin <= Last) others.Add((begin, Last));
        return Of(others);
    }

    /// <summary>One of the characters, in UTF-8.</summary>
    public GrammarPart In(GrammarBuilder builder) =>
        builder.Any([.. _ranges.SelectMany(range => Sequences(range.Low, range.High))
            .Select(sequence => GrammarBuilder.Sequence(
                [.. sequence.Select(bytes => builder.Range(bytes.Low, bytes.High))]))]);

    // A range without halves of surrogate pairs.
    private static IEnumerable<(int Low, int High)> Whole((int Low, int High) range)
    {
        if (range.Low < 0xD800 && range.Low <= range.High) yield return (range.Low, Math.Min(range.High, 0xD7FF));
        if (range.High > 0xDFFF && range.Low <= range.High) yield return (Math.Max(range.Low, 0xE000), range.High);
    }

    // Ranges of bytes, one for each byte of a character, that together make exactly the characters of a range.
    private static IEnumerable<(byte Low, byte High)[]> Sequences(int low, int high)
    {
        foreach (var longest in (int[])[0x7F, 0x7FF, 0xFFFF])
            if (low <= longest && longest < high)
                return [.. Sequences(low, longest), .. Sequences(longest + 1, high)];
        // The last bytes, six bits each, must run over all their values if a byte before them varies.
        for (var bits = 6; low > 0x7F && low >> bits != high >> bits && bits <= 18; bits += 6)
        {
            var rest = (1 << bits) - 1;
            if ((low & rest) != 0) return [.. Sequences(low, low | rest), .. Sequences((low | rest) + 1, high)];
            if ((high & rest) != rest)
                return [.. Sequences(low, (high & ~rest) - 1), .. Sequences(high & ~rest, high)];
        }
        var (first, last) = (Bytes(low), Bytes(high));
        return [[.. first.Zip(last, (a, b) => (a, b))]];
    }

    private static byte[] Bytes(int character) => Encoding.UTF8.GetBytes(char.ConvertFromUtf32(character));
}
