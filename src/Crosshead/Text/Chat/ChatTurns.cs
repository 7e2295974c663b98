using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Text.Jinja;

namespace Crosshead.Text.Chat;

/// <summary>Brings the messages of a conversation into the form that templates expect.</summary>
internal static class ChatTurns
{
    /// <summary>The messages as values of a template.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="template">The text of the template.</param>
    public static List<object?> Of(JsonArray messages, string template)
    {
        var knowsDevelopers = template.Contains("developer", StringComparison.Ordinal);
        var callsThoughtsThinking = template.Contains("message.thinking", StringComparison.Ordinal);
        var turns = messages.Select(JinjaData.Of).ToList();
        foreach (var turn in turns.OfType<JinjaDictionary>())
        {
            // Templates search the content for text, which fails for none.
            if (turn.GetValueOrDefault("content") is null) turn["content"] = "";
            // A template that does not know developers takes what they say as the system's.
            if (!knowsDevelopers && turn.GetValueOrDefault("role") is "developer") turn["role"] = "system";
            var calls = turn.GetValueOrDefault("tool_calls") as List<object?>;
            // gpt-oss's template has another name for thoughts, and refuses them beside a text with calls.
            if (callsThoughtsThinking && turn.GetValueOrDefault("reasoning_content") is string thought
                && (calls is not { Count: > 0 } || turn["content"] is ""))
                turn.TryAdd("thinking", thought);
            foreach (var call in (calls ?? []).OfType<JinjaDictionary>())
                if (call.GetValueOrDefault("function") is JinjaDictionary function
                    && function.GetValueOrDefault("arguments") is null or string)
                    function["arguments"] = Arguments(function.GetValueOrDefault("arguments") as string);
        }
        return turns;
    }

    /// <summary>Gives calls back the arguments that the messages have as text. False if there are none.</summary>
    /// <param name="turns">The messages as values of a template.</param>
    /// <param name="messages">The messages.</param>
    public static bool RestoreArguments(List<object?> turns, JsonArray messages)
    {
        var any = false;
        for (var i = 0; i < turns.Count; i++)
        {
            if ((turns[i] as JinjaDictionary)?.GetValueOrDefault("tool_calls") is not List<object?> calls) continue;
            for (var j = 0; j < calls.Count; j++)
                if ((calls[j] as JinjaDictionary)?.GetValueOrDefault("function") is JinjaDictionary function
                    && messages[i]!["tool_calls"]![j]!["function"]!["arguments"] is JsonValue given
                    && given.TryGetValue<string>(out var text))
                {
                    function["arguments"] = text;
                    any = true;
                }
        }
        return any;
    }

    // Most templates expect an object. Text that a model cut short stays text.
    private static object? Arguments(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return new JinjaDictionary();
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
