using System.Text.Json.Nodes;

namespace Crosshead.Text.Chat;

/// <summary>
/// What a chat template renders, in the form that templates read: messages with any members, tools, and further
/// variables.
/// </summary>
public sealed record Conversation
{
    /// <summary>
    /// The turns so far, each an object with at least <c>role</c>. A turn may also have <c>content</c>, <c>name</c>,
    /// <c>reasoning_content</c>, <c>tool_calls</c> and <c>tool_call_id</c>, as in OpenAI's API. The arguments of tool
    /// calls may be objects, or texts of objects. A developer is the system to a template that knows no developers.
    /// </summary>
    public required JsonArray Messages { get; init; }

    /// <summary>The tools that the model may call, as JSON schemas; null for none.</summary>
    public JsonArray? Tools { get; init; }

    /// <summary>Variables that this template knows, such as <c>enable_thinking</c>; null for none.</summary>
    public JsonObject? Variables { get; init; }
}
