using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Text.Jinja;

namespace Crosshead.Text.Chat;

/// <summary>Brings the messages of a conversation into the form that templates expect.</summary>
internal static class ChatTurns
{
    /// <summary>The messages as values of a template.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="knowsDevelopers">Whether the template knows the role developer.</param>
    public static List<object?> Of(JsonArray messages, bool knowsDevelopers)
    {
        var turns = messages.Select(JinjaData.Of).ToList();
        foreach (var turn in turns.OfType<OrderedDictionary<string, object?>>())
        {
            // Templates search the content for text, which fails for none.
            if (turn.GetValueOrDefault("content") is null) turn["content"] = "";
            // A template that does not know developers takes what they say as the system's.
            if (!knowsDevelopers && turn.GetValueOrDefault("role") is "developer") turn["role"] = "system";
            if (turn.GetValueOrDefault("tool_calls") is not List<object?> calls) continue;
            foreach (var call in calls.OfType<OrderedDictionary<string, object?>>())
                if (call.GetValueOrDefault("function") is OrderedDictionary<string, object?> function
                    && function.GetValueOrDefault("arguments") is null or string)
                    function["arguments"] = Arguments(function.GetValueOrDefault("arguments") as string);
        }
        return turns;
    }

    // Templates expect an object. Text that a model cut short stays text.
    private static object? Arguments(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return new OrderedDictionary<string, object?>();
        try
        {
            return JinjaData.Of(JsonNode.Parse(text));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return text;
        }
    }
}
