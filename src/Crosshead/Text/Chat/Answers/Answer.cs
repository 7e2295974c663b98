using System.Text;

namespace Crosshead.Text.Chat.Answers;

/// <summary>A whole answer of a model.</summary>
/// <param name="Content">What the model says; empty if nothing.</param>
/// <param name="Reasoning">What the model thinks; null if it does not think.</param>
/// <param name="ToolCalls">The tools that the model calls.</param>
public sealed record Answer(string Content, string? Reasoning, IReadOnlyList<ToolCall> ToolCalls)
{
    /// <summary>Joins the parts of an answer.</summary>
    /// <param name="parts">All parts, in order.</param>
    public static Answer Join(IEnumerable<AnswerPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var content = new StringBuilder();
        StringBuilder? reasoning = null;
        var calls = new List<(ToolCallBeginPart Begin, StringBuilder Arguments)>();
        foreach (var part in parts)
            switch (part)
            {
                case ContentPart said: content.Append(said.Text); break;
                case ReasoningPart thought: (reasoning ??= new()).Append(thought.Text); break;
                case ToolCallBeginPart begin: calls.Add((begin, new())); break;
                case ToolCallArgumentsPart more: calls[more.Index].Arguments.Append(more.Text); break;
            }
        return new(content.ToString(), reasoning?.ToString(),
            [.. calls.Select(call => new ToolCall(call.Begin.Id, call.Begin.Name, call.Arguments.ToString()))]);
    }
}
