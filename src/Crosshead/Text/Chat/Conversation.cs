using System.Text.Json.Nodes;

namespace Crosshead.Text.Chat;

/// <summary>
/// What a chat template renders, in the form that templates read: messages with any members, tools, and further
/// variables.
/// </summary>
public sealed record Conversation
{
    /// <summary>
    /// The turns so far, each an object with at least <c>role</c>. The arguments of tool calls are objects, not texts.
    /// </summary>
    public required JsonArray Messages { get; init; }

    /// <summary>The tools that the model may call, as JSON schemas; null for none.</summary>
    public JsonArray? Tools { get; init; }

    /// <summary>Variables that this template knows, such as <c>enable_thinking</c>; null for none.</summary>
    public JsonObject? Variables { get; init; }
}
