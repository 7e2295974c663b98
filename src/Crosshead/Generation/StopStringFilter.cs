namespace Crosshead.Generation;

/// <summary>
/// Passes text on until a stop string occurs. Text that could begin a stop string is held back until more text arrives.
/// So a stop string in several pieces is found and never shown.
/// </summary>
internal sealed class StopStringFilter(IReadOnlyList<string> stopStrings)
{
    private string _held = "";

    /// <summary>Whether a stop string has occurred; no text passes after that.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Takes more text, and returns the text that may be shown now.</summary>
    public string Push(string text)
    {
        if (Stopped) return "";
        if (stopStrings.Count == 0) return text;
        text = _held + text;
        var end = FirstStop(text);
        Stopped = end >= 0;
        if (!Stopped) end = StartOfPossibleStop(text);
        _held = Stopped ? "" : text[end..];
        return text[..end];
    }

    /// <summary>Returns the held-back text at the end.</summary>
    public string Finish()
    {
        var held = _held;
        _held = "";
        return held;
    }

    private int FirstStop(string text)
    {
        var first = -1;
        foreach (var stop in stopStrings)
        {
            var at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first)) first = at;
        }
        return first;
    }

    // The first index from which the rest of the text could begin a stop string.
    private int StartOfPossibleStop(string text)
    {
        var longest = stopStrings.Max(s => s.Length);
        for (var at = Math.Max(0, text.Length - longest + 1); at < text.Length; at++)
            foreach (var stop in stopStrings)
                if (stop.AsSpan().StartsWith(text.AsSpan(at), StringComparison.Ordinal)) return at;
        return text.Length;
    }
}
