namespace Crosshead.Generation;

/// <summary>
/// Passes text on until a stop string occurs. Text that could begin a stop string is held back until more text arrives.
/// So a stop string in several pieces is found and never shown.
/// </summary>
/// <param name="stopStrings">The stop strings; none is empty.</param>
/// <param name="includes">Whether the stop string passes as well.</param>
internal sealed class StopStringFilter(IReadOnlyList<string> stopStrings, bool includes = false)
{
    private string _held = "";
    private int _early; // characters of the held-back text that came when no stop string counted

    /// <summary>The stop string that has occurred; nothing passes after it.</summary>
    public string? StopString { get; private set; }

    /// <summary>Whether a stop string has occurred.</summary>
    public bool Stopped => StopString is not null;

    /// <summary>Takes more text, and returns the text that may be shown now.</summary>
    /// <param name="text">The text.</param>
    /// <param name="counts">Whether stop strings that end in it count.</param>
    public string Push(string text, bool counts = true)
    {
        if (Stopped) return "";
        if (stopStrings.Count == 0) return text;
        text = _held + text;
        var end = -1;
        if (counts) (end, StopString) = FirstStop(text);
        if (!Stopped) end = StartOfPossibleStop(text);
        _held = Stopped ? "" : text[end..];
        _early = !counts ? _held.Length : Math.Max(0, Math.Min(_held.Length, _early - end));
        return Stopped && includes ? text[..(end + StopString!.Length)] : text[..end];
    }

    /// <summary>Returns the held-back text at the end.</summary>
    public string Finish()
    {
        var held = _held;
        _held = "";
        return held;
    }

    // The stop string that begins first, and of those that begin there the longest.
    private (int At, string? Stop) FirstStop(string text)
    {
        (int At, string? Stop) first = (-1, null);
        foreach (var stop in stopStrings)
        {
            var from = Math.Max(0, _early - stop.Length + 1);
            var at = text.IndexOf(stop, Math.Min(from, text.Length), StringComparison.Ordinal);
            if (at < 0) continue;
            if (first.Stop is null || at < first.At || (at == first.At && stop.Length > first.Stop.Length))
                first = (at, stop);
        }
        return first;
    }

    // The first index from which the rest of the text could begin a stop string, which is not complete yet.
    private int StartOfPossibleStop(string text)
    {
        var longest = stopStrings.Max(s => s.Length);
        for (var at = Math.Max(0, text.Length - longest + 1); at < text.Length; at++)
            foreach (var stop in stopStrings)
                if (stop.Length > text.Length - at
                    && stop.AsSpan().StartsWith(text.AsSpan(at), StringComparison.Ordinal)) return at;
        return text.Length;
    }
}
