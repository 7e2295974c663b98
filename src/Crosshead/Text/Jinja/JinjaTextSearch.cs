namespace Crosshead.Text.Jinja;

/// <summary>
/// Finds a text in a part of another text. Places are characters, as in Python's find, count and startswith.
/// </summary>
internal readonly ref struct JinjaTextSearch
{
    private readonly string _text;
    private readonly int _start;
    private readonly int _end;
    private readonly bool _inside;

    /// <summary>The part of a text that <c>text[start:end]</c> is.</summary>
    public JinjaTextSearch(string text, long? start, long? end)
    {
        var length = JinjaText.Length(text);
        var (first, last) = (Clamped(start ?? 0, length), Math.Min(Clamped(end ?? length, length), length));
        _inside = first <= last;
        _text = text;
        _start = JinjaText.Skip(text, 0, first);
        _end = _inside ? JinjaText.Skip(text, _start, last - first) : _start;
    }

    private ReadOnlySpan<char> Part => _text.AsSpan(_start, _end - _start);

    /// <summary>The character where the other text stands first, or -1.</summary>
    public long First(string other) => Place(_inside ? JinjaSubstring.IndexOf(Part, other) : -1);

    /// <summary>The character where the other text stands last, or -1.</summary>
    public long Last(string other) => Place(_inside ? JinjaSubstring.LastIndexOf(Part, other) : -1);

    /// <summary>How often the other text stands there, one after the other.</summary>
    public long Count(string other) =>
        !_inside ? 0 : other.Length == 0 ? JinjaText.Length(Part) + 1 : JinjaSubstring.Count(Part, other);

    /// <summary>Whether the part begins with the other text.</summary>
    public bool StartsWith(string other) => _inside && Part.StartsWith(other, StringComparison.Ordinal);

    /// <summary>Whether the part ends with the other text.</summary>
    public bool EndsWith(string other) => _inside && Part.EndsWith(other, StringComparison.Ordinal);

    private long Place(int at) => at < 0 ? -1 : JinjaText.Length(_text.AsSpan(0, _start + at));

    private static long Clamped(long place, long length) => place < 0 ? Math.Max(0, place + length) : place;
}
