using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;

namespace Crosshead.Server.Requests;

/// <summary>Reads the messages of a conversation into the form that templates read.</summary>
internal static class MessageReader
{
    private static readonly string[] s_roles = ["system", "developer", "user", "assistant", "tool"];

    /// <summary>The messages.</summary>
    /// <exception cref="ApiException">There is none, or one cannot be used.</exception>
    public static JsonArray Read(FieldValues values)
    {
        var field = ChatFields.Messages;
        if (values[field] is not { } value)
            throw new ApiException(400, "missing",
                "messages is missing; send a list such as [{\"role\":\"user\",\"content\":\"Hello\"}].", field.Name);
        if (value.ValueKind != JsonValueKind.Array)
            throw ApiException.Invalid(field.Name, $"messages ({value.Shown()}) must be a list of messages.");
        if (value.GetArrayLength() == 0)
            throw ApiException.Invalid(field.Name, "messages is empty; send at least one message.");
        return [.. value.EnumerateArray().Select((message, i) => One(message, $"{field.Name}[{i}]"))];
    }

    private static JsonObject One(JsonElement message, string name)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw ApiException.Invalid(name, $"{name} ({message.Shown()}) must be an object with role and content.");
        var role = Role(message, name);
        var read = new JsonObject { ["role"] = role };
        var calls = ToolReader.Calls(message, name, role);
        read["content"] = Content(message, name, mayLack: calls is not null);
        if (calls is not null) read["tool_calls"] = calls;
        foreach (var key in (string[])["name", "tool_call_id"])
            if (Optional(message, key, name) is { } text) read[key] = text;
        if ((Optional(message, "reasoning_content", name) ?? Optional(message, "reasoning", name)) is { } thought)
            read["reasoning_content"] = thought;
        return read;
    }

    private static string Role(JsonElement message, string name)
    {
        if (!message.TryGetProperty("role", out var role))
            throw ApiException.Invalid($"{name}.role", $"{name}.role is missing; use one of {List()}.");
        if (role.ValueKind != JsonValueKind.String || !s_roles.Contains(role.GetString()))
            throw ApiException.Invalid($"{name}.role",
                $"{name}.role ({role.Shown()}) is not known; use one of {List()}.");
        return role.GetString()!;
    }

    private static string? Optional(JsonElement message, string key, string name)
    {
        if (!message.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString()
            : throw ApiException.Invalid($"{name}.{key}", $"{name}.{key} ({value.Shown()}) must be a text.");
    }

    private static string? Content(JsonElement message, string name, bool mayLack)
    {
        var path = $"{name}.content";
        if (!message.TryGetProperty("content", out var content) || content.ValueKind == JsonValueKind.Null)
            return mayLack ? "" : throw ApiException.Invalid(path,
                $"{path} is missing; only an assistant's message with tool_calls may lack it.");
        if (content.ValueKind == JsonValueKind.String) return content.GetString();
        if (content.ValueKind != JsonValueKind.Array)
            throw ApiException.Invalid(path, $"{path} ({content.Shown()}) must be a text or a list of parts.");
        var text = new StringBuilder();
        foreach (var (i, part) in content.EnumerateArray().Index()) text.Append(Part(part, $"{path}[{i}]"));
        return text.ToString();
    }

    private static string Part(JsonElement part, string name)
    {
        if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("type", out var type)
            || type.ValueKind != JsonValueKind.String)
            throw ApiException.Invalid(name,
                $"{name} ({part.Shown()}) must be an object with a type, such as "
                + "{\"type\":\"text\",\"text\":\"…\"}.");
        if (type.GetString() is not ("text" or "refusal"))
            throw ApiException.Unsupported(name,
                $"{name} is of the type {type.Shown()}; this server reads text only. Leave it out.");
        return part.TryGetProperty(type.GetString()!, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()! : throw ApiException.Invalid(name, $"{name} has no text; give \"text\".");
    }

    private static string List() => string.Join(", ", s_roles);
}
