using System.Collections.Concurrent;
using System.Text;

namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>
/// A Unicode normal form (Unicode Standard Annex 15) with own tables, because .NET uses the machine's ICU. Characters
/// that no neighbour can change are skipped; only runs around the other characters are rewritten.
/// </summary>
internal sealed class UnicodeNormalizer : INormalizer, IEquatable<UnicodeNormalizer>
{
    private const char FirstActive = '\u0300'; // below it composed forms change nothing

    private static readonly ConcurrentDictionary<NormalizationForm, HashSet<int>> AllActive = new();

    private readonly bool _composed;
    private readonly bool _compatibility;
    private readonly HashSet<int> _active;            // characters that may change, or change the one before them
    // the same by UTF-16 unit, and all surrogates
    private readonly bool[] _activeCharacters = new bool[char.MaxValue + 1];

    /// <summary>Creates a normalizer to <paramref name="form"/>.</summary>
    public UnicodeNormalizer(NormalizationForm form)
    {
        Form = form;
        _composed = form is NormalizationForm.FormC or NormalizationForm.FormKC;
        _compatibility = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        _active = AllActive.GetOrAdd(form, _ => FindActive());
        foreach (var code in _active.Where(code => code <= char.MaxValue))
            _activeCharacters[code] = true;
        Array.Fill(_activeCharacters, true, 0xD800, 0x800);
    }

    /// <summary>The normal form.</summary>
    public NormalizationForm Form { get; }

    public bool Equals(UnicodeNormalizer? other) => other?.Form == Form;

    public override bool Equals(object? obj) => Equals(obj as UnicodeNormalizer);

    public override int GetHashCode() => Form.GetHashCode();

    public string? Normalize(ReadOnlySpan<char> text)
    {
        var active = NextActive(text, 0);
        if (active == text.Length)
            return null;
        var result = new StringBuilder(text.Length + 16);
        var done = 0;
        while (active < text.Length)
        {
            var start = active == done ? done : Previous(text, active);
            var end = active;
            do
                end += CodeAt(text, end).Length;
            while (end < text.Length && IsActive(text, end));
            result.Append(text[done..start]);
            Rewrite(text[start..end], result);
            done = end;
            active = NextActive(text, end);
        }
        var normal = result.Append(text[done..]).ToString();
        return text.SequenceEqual(normal) ? null : normal;
    }

    private HashSet<int> FindActive()
    {
        var seconds = UnicodeData.SecondParts;
        var (active, text) = (new HashSet<int>(), new StringBuilder());
        foreach (var code in UnicodeData.Characters)
        {
            if (UnicodeData.CombiningClass(code) == 0 && !(_composed && seconds.Contains(code)))
            {
                var itself = char.ConvertFromUtf32(code);
                Rewrite(itself, text.Clear());
                if (text.Equals(itself))
                    continue;
            }
            active.Add(code);
        }
        return active;
    }

    // Decomposes, sorts marks by combining class, and composes again.
    private void Rewrite(ReadOnlySpan<char> text, StringBuilder result)
    {
        var codes = new List<int>(text.Length + 8);
        for (var i = 0; i < text.Length;)
        {
            var (code, length) = CodeAt(text, i);
            UnicodeData.Decompose(code, _compatibility, codes);
            i += length;
        }
        Sort(codes);
        if (_composed)
            Compose(codes);
        foreach (var code in codes)
        {
            if (code > char.MaxValue)
                result.Append(char.ConvertFromUtf32(code));
            else
                result.Append((char)code);
        }
    }

    private static void Sort(List<int> codes)
    {
        for (var i = 0; i < codes.Count; i++)
        {
            var start = i;
            while (i < codes.Count && UnicodeData.CombiningClass(codes[i]) != 0)
                i++;
            if (i - start > 1)
                codes.Slice(start, i - start).OrderBy(UnicodeData.CombiningClass).ToArray()
                    .CopyTo(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(codes)[start..]);
        }
    }

    private static void Compose(List<int> codes)
    {
        var (kept, starter) = (0, -1);
        // of what is kept after the starter; a mark is blocked by one of its own class or a higher one
        var lastClass = 0;
        foreach (var code in codes.ToArray())
        {
            var own = UnicodeData.CombiningClass(code);
            if (starter >= 0 && (kept == starter + 1 || (lastClass != 0 && lastClass < own))
                && UnicodeData.Compose(codes[starter], code) is { } composed)
            {
                codes[starter] = composed;
                continue;
            }
            if (own == 0)
                starter = kept;
            lastClass = own;
            codes[kept++] = code;
        }
        codes.RemoveRange(kept, codes.Count - kept);
    }

    private int NextActive(ReadOnlySpan<char> text, int from)
    {
        while (from < text.Length)
        {
            if (_composed && !_compatibility)
            {
                var step = text[from..].IndexOfAnyExceptInRange('\0', (char)(FirstActive - 1));
                if (step < 0)
                    return text.Length;
                from += step;
            }
            if (IsActive(text, from))
                return from;
            from += CodeAt(text, from).Length;
        }
        return text.Length;
    }

    private bool IsActive(ReadOnlySpan<char> text, int index) =>
        _activeCharacters[text[index]]
        && (!char.IsSurrogate(text[index]) || _active.Contains(CodeAt(text, index).Code));

    private static int Previous(ReadOnlySpan<char> text, int index) =>
        index > 1 && char.IsSurrogatePair(text[index - 2], text[index - 1]) ? index - 2 : index - 1;

    private static (int Code, int Length) CodeAt(ReadOnlySpan<char> text, int index) =>
        index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1])
        ? (char.ConvertToUtf32(text[index], text[index + 1]), 2) : (text[index], 1);
}
