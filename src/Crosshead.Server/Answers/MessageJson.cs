using System.Text.Json;
using Crosshead.Text.Chat.Answers;

namespace Crosshead.Server.Answers;

/// <summary>Writes what an assistant says, thinks and calls.</summary>
internal static class MessageJson
{
    /// <summary>Writes the member <c>message</c>.</summary>
    /// <param name="json">Writes into an open object.</param>
    /// <param name="answer">The message.</param>
    /// <param name="thoughts">The names of the fields that thoughts come in.</param>
    public static void Write(Utf8JsonWriter json, Answer answer, IReadOnlyList<string> thoughts)
    {
        json.WriteStartObject("message");
        json.WriteString("role", "assistant");
        if (answer.ToolCalls.Count > 0 && answer.Content.Length == 0) json.WriteNull("content");
        else json.WriteString("content", answer.Content);
        if (answer.Reasoning is { } thought)
            foreach (var name in thoughts) json.WriteString(name, thought);
        if (answer.ToolCalls.Count > 0)
        {
            json.WriteStartArray("tool_calls");
            foreach (var (i, call) in answer.ToolCalls.Index())
            {
                json.WriteStartObject();
                json.WriteNumber("index", i);
                WriteCall(json, call.Id, call.Name, call.Arguments);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    /// <summary>Writes the member <c>delta</c>.</summary>
    /// <param name="json">Writes into an open object.</param>
    /// <param name="begins">Whether the message begins.</param>
    /// <param name="part">What is added; null for nothing.</param>
    /// <param name="thoughts">The names of the fields that thoughts come in.</param>
    public static void WriteDelta(Utf8JsonWriter json, bool begins, AnswerPart? part, IReadOnlyList<string> thoughts)
    {
        json.WriteStartObject("delta");
        if (begins)
        {
            json.WriteString("role", "assistant");
            json.WriteString("content", "");
        }
        switch (part)
        {
            case ContentPart said: json.WriteString("content", said.Text); break;
            case ReasoningPart thought:
                foreach (var name in thoughts) json.WriteString(name, thought.Text);
                break;
            case ToolCallBeginPart call:
                BeginCall(json, call.Index);
                WriteCall(json, call.Id, call.Name, "");
                EndCall(json);
                break;
            case ToolCallArgumentsPart more:
                BeginCall(json, more.Index);
                json.WriteStartObject("function");
                json.WriteString("arguments", more.Text);
                json.WriteEndObject();
                EndCall(json);
                break;
        }
        json.WriteEndObject();
    }

    private static void BeginCall(Utf8JsonWriter json, int index)
    {
        json.WriteStartArray("tool_calls");
        json.WriteStartObject();
        json.WriteNumber("index", index);
    }

    private static void EndCall(Utf8JsonWriter json)
    {
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteCall(Utf8JsonWriter json, string id, string name, string arguments)
    {
        json.WriteString("id", id);
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", name);
        json.WriteString("arguments", arguments);
        json.WriteEndObject();
    }
}
