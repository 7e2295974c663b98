using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crosshead.Text.Jinja;

/// <summary>Turns JSON into the values of templates.</summary>
internal static class JinjaData
{
    /// <summary>The value of a JSON node: a dictionary, a list, a text, a number, a boolean or null.</summary>
    public static object? Of(JsonNode? node)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (node)
        {
            case null: return null;
            case JsonObject members:
                var dictionary = new JinjaDictionary();
                foreach (var (key, value) in members) dictionary[key] = Of(value);
                return dictionary;
            case JsonArray items: return items.Select(Of).ToList();
        }
        return node.GetValueKind() switch
        {
            JsonValueKind.String => node.GetValue<string>(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Null => null,
            _ => Number(node.AsValue()),
        };
    }

    private static object Number(JsonValue value)
    {
        if (value.TryGetValue<long>(out var whole)) return whole;
        if (value.TryGetValue<int>(out var small)) return (long)small;
        return value.GetValue<double>();
    }
}
