using System.Text.Json;

namespace Crosshead.Server.Http;

/// <summary>Shows what a client sent within a message: on one line, and cut if it is long.</summary>
internal static class Excerpt
{
    private const int Longest = 100;

    /// <summary>The first hundred characters, control characters as spaces.</summary>
    public static string Of(string text)
    {
        var end = Math.Min(text.Length, Longest);
        if (end < text.Length && char.IsHighSurrogate(text[end - 1])) end--;
        var shown = text[..end];
        if (shown.Any(char.IsControl)) shown = string.Concat(shown.Select(c => char.IsControl(c) ? ' ' : c));
        return end < text.Length ? shown + "…" : shown;
    }

    /// <summary>A value as JSON.</summary>
    public static string Shown(this JsonElement value) => Of(value.GetRawText());
}
