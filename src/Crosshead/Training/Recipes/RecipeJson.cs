using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Crosshead.Files;

namespace Crosshead.Training.Recipes;

/// <summary>The JSON format of recipes, and the merging of two recipes.</summary>
internal static class RecipeJson
{
    public static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { JsonForm.KeepSettable } },
    };

    /// <summary>
    /// Merges <paramref name="over"/> into <paramref name="under"/>. Objects are merged key by key; any other value is
    /// replaced.
    /// </summary>
    public static void Merge(JsonObject under, JsonObject over)
    {
        foreach (var (key, value) in over)
        {
            if (value is JsonObject inner && under[key] is JsonObject there) Merge(there, inner);
            else under[key] = value?.DeepClone();
        }
    }

    /// <summary>Returns the paths and values of all leaves, such as <c>training.batch</c> → <c>8</c>.</summary>
    public static IEnumerable<(string Path, string Value)> Leaves(JsonNode? node, string path = "")
    {
        if (node is not JsonObject values) return [(path, node?.ToJsonString(Options) ?? "null")];
        return values.SelectMany(p => Leaves(p.Value, path.Length == 0 ? p.Key : $"{path}.{p.Key}"));
    }
}
