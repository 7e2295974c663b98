using Crosshead.Text.Chat;

namespace Crosshead.Server.Requests;

/// <summary>Which tools a model may call in its answer.</summary>
/// <param name="Tools">The tools; empty if it may call none.</param>
/// <param name="Must">Whether it must call one.</param>
/// <param name="Named">The tool that it must call; null if it may choose.</param>
/// <param name="Several">Whether calls after the first one count.</param>
internal sealed record ToolUse(IReadOnlyList<ChatTool> Tools, bool Must, ChatTool? Named, bool Several);
