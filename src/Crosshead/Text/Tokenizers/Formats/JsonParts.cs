using System.Text.Json;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>Reading parts of Hugging Face's files, where null and absent mean the same.</summary>
internal static class JsonParts
{
    /// <summary>A part, or null.</summary>
    public static JsonElement? Child(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var child) && child.ValueKind != JsonValueKind.Null ? child : null;

    /// <summary>A text, or null.</summary>
    public static string? Text(this JsonElement element, string name) => element.Child(name)?.GetString();

    /// <summary>A flag, or what it is where it is absent.</summary>
    public static bool Flag(this JsonElement element, string name, bool otherwise) =>
        element.Child(name)?.GetBoolean() ?? otherwise;

    /// <summary>What kind of component it is.</summary>
    public static string? Kind(this JsonElement element) => element.Text("type");

    /// <summary>The components of a <c>Sequence</c>, nested ones in line, or the one there is, or none.</summary>
    public static List<JsonElement> Steps(this JsonElement? element, string list) =>
        element is not { } e ? [] : e.Kind() == "Sequence"
        ? [.. e.GetProperty(list).EnumerateArray().SelectMany(step => Steps(step, list))] : [e];

    /// <summary>The kinds of components, for errors.</summary>
    public static string Describe(this List<JsonElement> steps) =>
        steps.Count == 0 ? "(none)" : string.Join(", ", steps.Select(Kind));
}
