using System.Text.Json;

namespace Crosshead.Text.Chat;

/// <summary>A tool that a model may call.</summary>
public sealed record ChatTool
{
    private ChatTool(JsonElement definition, string name, JsonElement? parameters) =>
        (Definition, Name, Parameters) = (definition, name, parameters);

    /// <summary>The tool as the request gives it: <c>{"type": "function", "function": {…}}</c>.</summary>
    public JsonElement Definition { get; }

    /// <summary>The name of the tool.</summary>
    public string Name { get; }

    /// <summary>The JSON schema of its arguments; null if it takes none.</summary>
    public JsonElement? Parameters { get; }

    /// <summary>Reads a tool of a request.</summary>
    /// <param name="definition">The tool: <c>{"type": "function", "function": {"name": …, "parameters": {…}}}</c>.
    /// </param>
    /// <param name="path">What messages call it, such as <c>tools[0]</c>.</param>
    /// <exception cref="CrossheadException">It is not such an object.</exception>
    public static ChatTool Read(JsonElement definition, string path)
    {
        if (definition.ValueKind != JsonValueKind.Object || Text(definition, "type") != "function")
            throw new CrossheadException($"{path} is not a function; give "
                + "{\"type\": \"function\", \"function\": …}.");
        if (!definition.TryGetProperty("function", out var function) || function.ValueKind != JsonValueKind.Object)
            throw new CrossheadException($"{path}.function is missing or not an object; give the function's name, "
                + "description and parameters.");
        if (Text(function, "name") is not { Length: > 0 } name)
            throw new CrossheadException($"{path}.function.name is missing or empty; name the function.");
        JsonElement? parameters = function.TryGetProperty("parameters", out var schema)
            && schema.ValueKind != JsonValueKind.Null ? schema.Clone() : null;
        if (parameters is { ValueKind: not JsonValueKind.Object })
            throw new CrossheadException($"{path}.function.parameters ({schema.GetRawText().Shown()}) must be a JSON "
                + "schema, which is an object.");
        return new ChatTool(definition.Clone(), name, parameters);
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;
}
