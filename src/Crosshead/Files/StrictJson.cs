using System.Text.Json;
using System.Text.Unicode;

namespace Crosshead.Files;

/// <summary>
/// Reads small JSON documents that may come from anyone: no doubled keys, no deep nesting, no bytes that are not UTF-8,
/// no halves of surrogate pairs.
/// </summary>
internal static class StrictJson
{
    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>Reads a JSON object.</summary>
    /// <param name="utf8">The document.</param>
    /// <param name="read">Reads the needed values from it.</param>
    /// <param name="bad">Makes the exception from the reason why the document cannot be read.</param>
    /// <exception cref="CrossheadException">It is no JSON object, or <paramref name="read"/> threw a
    /// <see cref="JsonException"/>, as <see cref="JsonPart"/> does.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> utf8, Func<JsonElement, T> read,
        Func<string, Exception?, CrossheadException> bad)
    {
        if (utf8.IsEmpty || utf8.Span[0] != (byte)'{') throw bad("it does not begin with \"{\"", null);
        if (!Utf8.IsValid(utf8.Span)) throw bad("it is not UTF-8", null);
        try
        {
            using var document = JsonDocument.Parse(SurrogateHalves.RefuseIn(utf8), Options);
            return read(document.RootElement);
        }
        catch (JsonException e)
        {
            throw bad(e.Reason(), e);
        }
    }
}
