using System.Text.Encodings.Web;
using System.Text.Json;
using Crosshead.Files;

namespace Crosshead.Data.Shards;

/// <summary>How the data folder's JSON files are written and read.</summary>
internal static class DataJson
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Writes a file completely or not at all.</summary>
    public static void Write<T>(string path, T value) =>
        AtomicFile.WriteText(path, JsonSerializer.Serialize(value, Options) + "\n");

    /// <summary>
    /// Reads a file whose lists may not contain null. <paramref name="remedy"/> ends the message if the file is
    /// damaged.
    /// </summary>
    public static T Read<T>(string path, string remedy)
    {
        try
        {
            using var document = JsonDocument.Parse(SurrogateHalves.RefuseIn(InputFile.ReadBytes(path)));
            RefuseNullsInLists(document.RootElement);
            return document.Deserialize<T>(Options) ?? throw new JsonException("it is null.");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read {path}: {e.Reason()}; {remedy}", e);
        }
    }

    // The serializer refuses null for a property that cannot be null, but not in a list.
    private static void RefuseNullsInLists(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Object)
            foreach (var member in element.EnumerateObject()) RefuseNullsInLists(member.Value);
        if (element.ValueKind != JsonValueKind.Array) return;
        foreach (var item in element.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Null) throw new JsonException("a list in it holds null.");
            RefuseNullsInLists(item);
        }
    }
}
