using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Text.Chat;
using static Crosshead.Server.Fields.ChatFields;

namespace Crosshead.Server.Requests;

/// <summary>Reads a conversation and renders it in the model's form.</summary>
internal static class ConversationReader
{
    /// <summary>The text that the model continues.</summary>
    /// <param name="values">The request.</param>
    /// <param name="model">The model.</param>
    /// <param name="tools">The tools that the model may call; empty for none.</param>
    /// <exception cref="ApiException">A message cannot be used, the model has no template, or the template refuses the
    /// messages.</exception>
    public static string Render(FieldValues values, ServedModel model, IReadOnlyList<ChatTool> tools)
    {
        var continues = values.Switch(ContinueFinal) ?? false;
        var begins = values.Switch(AddGenerationPrompt);
        if (continues && begins == true)
            throw ApiException.Invalid(ContinueFinal.Name,
                "continue_final_message and add_generation_prompt cannot both be true; choose one of them.");
        var conversation = new Conversation
        {
            Messages = MessageReader.Read(values),
            Tools = tools.Count == 0 ? null : [.. tools.Select(t => JsonObject.Create(t.Definition))],
            Variables = Variables(values),
        };
        if (model.ChatTemplate is not { } template)
            throw ApiException.Unsupported(Messages.Name, "the model has no chat template; use /v1/completions, or "
                + "start the server with --chat-template FILE.");
        if (continues && (conversation.Messages[^1]!["role"]!.GetValue<string>() != "assistant"
            || conversation.Messages[^1]!["content"] is not JsonValue))
            throw ApiException.Invalid(ContinueFinal.Name,
                "continue_final_message needs an assistant's message with a text as the last one; add it.");
        try
        {
            return continues ? template.RenderOpen(conversation) : template.Render(conversation, begins ?? true);
        }
        catch (CrossheadException e)
        {
            throw ApiException.Invalid(Messages.Name, e.Message);
        }
    }

    private static JsonObject? Variables(FieldValues values)
    {
        var variables = new JsonObject();
        if (values.Text(ReasoningEffort) is { } effort)
        {
            variables["reasoning_effort"] = effort;
            if (effort == "none") variables["enable_thinking"] = false;
        }
        if (values[TemplateVariables] is not { } given) return variables;
        if (given.ValueKind != JsonValueKind.Object)
            throw FieldValues.Wrong(TemplateVariables, given, "an object {…}");
        foreach (var member in given.EnumerateObject()) variables[member.Name] = Node(member.Value);
        return variables;
    }

    /// <summary>A value that outlives the body it was read from.</summary>
    internal static JsonNode? Node(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value.Clone()),
        JsonValueKind.Array => JsonArray.Create(value.Clone()),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(value.Clone()),
    };
}
