using System.Text.Json;
using Crosshead.Server.Requests;

namespace Crosshead.Server.Answers;

/// <summary>Writes what ended an answer.</summary>
internal static class StopJson
{
    /// <summary>Writes the member <c>stop_reason</c>: a stop string, the id of a stop token, or null.</summary>
    public static void WriteReason(Utf8JsonWriter json, Choice choice, GenerationSettings settings)
    {
        if (choice.StopString is { } text) json.WriteString("stop_reason", text);
        else if (choice.StopId(settings.StopIds) is { } id) json.WriteNumber("stop_reason", id);
        else json.WriteNull("stop_reason");
    }

    /// <summary>Writes a list of ids.</summary>
    public static void WriteIds(Utf8JsonWriter json, string name, IEnumerable<int> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids) json.WriteNumberValue(id);
        json.WriteEndArray();
    }
}
