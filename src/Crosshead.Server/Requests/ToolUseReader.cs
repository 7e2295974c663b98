using System.Text.Json;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Text.Chat;

namespace Crosshead.Server.Requests;

/// <summary>Reads which tools a model may, must or must not call.</summary>
internal static class ToolUseReader
{
    private const string Choices = "\"none\", \"auto\", \"required\" or "
        + "{\"type\":\"function\",\"function\":{\"name\":\"…\"}}";

    /// <summary>The use of tools.</summary>
    /// <exception cref="ApiException">A field cannot be used, or a named tool is not there.</exception>
    public static ToolUse Read(FieldValues values)
    {
        var tools = ToolReader.Tools(values);
        var several = values.Switch(ChatFields.ParallelTools) ?? true;
        if (values[ChatFields.ToolChoice] is not { } choice) return new ToolUse(tools, false, null, several);
        var word = choice.ValueKind == JsonValueKind.String ? choice.GetString() : null;
        if (word == "none") return new ToolUse([], false, null, several);
        var named = word is null ? Named(choice, tools) : null;
        if (named is null && word is not ("auto" or "required"))
            throw FieldValues.Wrong(ChatFields.ToolChoice, choice, Choices);
        if (tools.Count == 0)
            throw ApiException.Invalid(ChatFields.ToolChoice.Name,
                $"tool_choice ({choice.Shown()}) needs tools; give some, or leave tool_choice out.");
        return new ToolUse(tools, word == "required" || named is not null, named, several);
    }

    private static ChatTool? Named(JsonElement choice, IReadOnlyList<ChatTool> tools)
    {
        if (choice.ValueKind != JsonValueKind.Object || !choice.TryGetProperty("function", out var function)
            || function.ValueKind != JsonValueKind.Object || !function.TryGetProperty("name", out var name)
            || name.ValueKind != JsonValueKind.String)
            throw FieldValues.Wrong(ChatFields.ToolChoice, choice, Choices);
        return tools.FirstOrDefault(t => t.Name == name.GetString()) ?? throw ApiException.Invalid(
            ChatFields.ToolChoice.Name, $"tool_choice names the tool {name.Shown()}, which is not among tools; "
                + (tools.Count == 0 ? "give it there."
                : Suggestion.For(name.GetString()!, tools.Select(t => t.Name))));
    }
}
