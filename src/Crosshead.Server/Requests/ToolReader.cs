using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Text.Chat;

namespace Crosshead.Server.Requests;

/// <summary>Reads tools, and the calls of earlier turns.</summary>
internal static class ToolReader
{
    private const int Most = 128;

    /// <summary>The tools that the model may call; empty for none.</summary>
    /// <exception cref="ApiException">One cannot be used, or two have the same name.</exception>
    public static IReadOnlyList<ChatTool> Tools(FieldValues values)
    {
        var field = ChatFields.Tools;
        if (values[field] is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() is 0 or > Most)
            throw ApiException.Invalid(field.Name, $"tools ({value.Shown()}) must be a list of 1 to {Most} tools; "
                + "leave it out if there is none.");
        var tools = new List<ChatTool>();
        foreach (var (i, definition) in value.EnumerateArray().Index())
        {
            var tool = One(definition, $"{field.Name}[{i}]");
            if (tools.Any(t => t.Name == tool.Name))
                throw ApiException.Invalid($"{field.Name}[{i}]", $"{field.Name}[{i}] has the name of a tool before it "
                    + $"(\"{Excerpt.Of(tool.Name)}\"); give each tool its own name.");
            tools.Add(tool);
        }
        return tools;
    }

    /// <summary>The calls of an assistant's message; null for none.</summary>
    /// <exception cref="ApiException">One cannot be used, or the message is not an assistant's.</exception>
    public static JsonArray? Calls(JsonElement message, string name, string role)
    {
        if (!message.TryGetProperty("tool_calls", out var calls) || calls.ValueKind == JsonValueKind.Null) return null;
        name += ".tool_calls";
        if (role != "assistant")
            throw ApiException.Invalid(name,
                $"{name} stands in a message of the role {role}; only an assistant calls.");
        if (calls.ValueKind != JsonValueKind.Array)
            throw ApiException.Invalid(name, $"{name} ({calls.Shown()}) must be a list of calls.");
        return calls.GetArrayLength() == 0 ? null
            : [.. calls.EnumerateArray().Select((call, i) => Call(call, $"{name}[{i}]"))];
    }

    private static JsonObject Call(JsonElement call, string name)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out var function)
            || function.ValueKind != JsonValueKind.Object || !function.TryGetProperty("name", out var called)
            || called.ValueKind != JsonValueKind.String)
            throw ApiException.Invalid(name,
                $"{name} ({call.Shown()}) must be an object with a function and its name.");
        return JsonObject.Create(call.Clone())!;
    }

    private static ChatTool One(JsonElement definition, string name)
    {
        try
        {
            return ChatTool.Read(definition, name);
        }
        catch (CrossheadException e)
        {
            throw ApiException.Invalid(name, e.Message);
        }
    }
}
