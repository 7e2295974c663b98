using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Crosshead;

/// <summary>
/// JSON may contain the escape of half a surrogate pair, such as <c>"\ud83d"</c>, which is not a character. .NET's
/// readers refuse it only when the text is requested. In data the half is read as U+FFFD. In configuration it is
/// refused before anything is read.
/// </summary>
internal static class SurrogateHalves
{
    private const int EscapeLength = 6; // \uXXXX

    /// <summary>
    /// JSON in which each half is replaced by U+FFFD, with the same length; the same memory if there is no half.
    /// </summary>
    public static ReadOnlySpan<byte> ReplaceIn(ReadOnlySpan<byte> json)
    {
        var at = Next(json, 0);
        if (at < 0) return json;
        var whole = json.ToArray();
        for (; at >= 0; at = Next(json, at + EscapeLength)) "\\ufffd"u8.CopyTo(whole.AsSpan(at));
        return whole;
    }

    /// <summary>JSON in which each half is replaced by U+FFFD; see the other overload.</summary>
    public static ReadOnlyMemory<byte> ReplaceIn(ReadOnlyMemory<byte> json) =>
        Next(json.Span, 0) < 0 ? json : ReplaceIn(json.Span).ToArray();

    /// <summary>Returns the JSON, which must not contain a half.</summary>
    /// <exception cref="JsonException">The JSON contains a half; the message quotes its text.</exception>
    public static ReadOnlyMemory<byte> RefuseIn(ReadOnlyMemory<byte> json)
    {
        RefuseIn(json.Span);
        return json;
    }

    /// <summary>Returns the JSON, which must not contain a half; see the other overload.</summary>
    public static string RefuseIn(string json)
    {
        if (json.Contains("\\u", StringComparison.Ordinal)) RefuseIn(Encoding.UTF8.GetBytes(json));
        return json;
    }

    private static void RefuseIn(ReadOnlySpan<byte> json)
    {
        var at = Next(json, 0);
        if (at < 0) return;
        var start = json[..at].LastIndexOf((byte)'"') + 1;
        var end = json[at..].IndexOf((byte)'"') is var length and >= 0 ? at + length : json.Length;
        var text = Encoding.UTF8.GetString(json[start..end]).Shown();
        throw new JsonException($"the text \"{text}\" holds half of a surrogate pair, which is no character", null,
            json[..at].Count((byte)'\n'), null);
    }

    // The place of the next escape of half a pair, or −1.
    private static int Next(ReadOnlySpan<byte> json, int from)
    {
        for (var at = from; ;)
        {
            var step = json[at..].IndexOf((byte)'\\');
            if (step < 0) return -1;
            at += step;
            if (UnitAt(json, at) is not { } unit) at = Math.Min(at + 2, json.Length);
            else if (!char.IsSurrogate(unit)) at += EscapeLength;
            else if (char.IsHighSurrogate(unit) && UnitAt(json, at + EscapeLength) is { } low
                && char.IsLowSurrogate(low))
                at += 2 * EscapeLength;
            else return at;
        }
    }

    // The UTF-16 unit of the escape there; null if there is no escape.
    private static char? UnitAt(ReadOnlySpan<byte> json, int at) =>
        json.Length >= at + EscapeLength && json[at] == '\\' && json[at + 1] == 'u'
        && ushort.TryParse(json.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
            out var unit) ? (char)unit : null;
}
