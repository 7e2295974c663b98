using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crosshead.Files;

/// <summary>
/// JSON for configuration, written by people and other programs: a recipe, a task, a model, a checkpoint's state. Each
/// key occurs once. Texts consist of whole characters without NUL, because the system ends a file name at NUL.
/// </summary>
internal static class ConfigurationJson
{
    /// <summary>JSON in which a key stands once.</summary>
    public static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private static readonly JsonDocumentOptions Lenient =
        Strict with { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The value of a text, all of which can be read.</summary>
    /// <param name="json">The text.</param>
    /// <param name="lenient">Whether comments and trailing commas are accepted, because people write them.</param>
    /// <exception cref="JsonException">The text is not such JSON; <see cref="ForeignText.Reason"/> gives the
    /// reason.</exception>
    public static JsonNode? Parse(string json, bool lenient = false)
    {
        var value = JsonNode.Parse(SurrogateHalves.RefuseIn(json), null, lenient ? Lenient : Strict);
        if (json.Contains("\\u0000", StringComparison.Ordinal)
            && Texts(value).FirstOrDefault(t => t.Contains('\0')) is { } text)
            throw new JsonException($"the text \"{text.Shown()}\" holds a NUL character");
        return value;
    }

    /// <summary>The object of a text, read strictly.</summary>
    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static JsonObject ParseObject(string json) =>
        Parse(json) as JsonObject ?? throw new JsonException("it must be a JSON object {…}");

    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(m => Texts(m.Value).Prepend(m.Key)),
        JsonArray items => items.SelectMany(Texts),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => [value.GetValue<string>()],
        _ => [],
    };
}
