namespace Crosshead.Text.Chat;

/// <summary>A tool that an assistant called in one of its turns.</summary>
/// <param name="Id">The id of the call. The message with the tool's result names it.</param>
/// <param name="Name">The name of the tool.</param>
/// <param name="Arguments">The arguments: the text of a JSON object, as the model wrote it.</param>
public sealed record ToolCall(string Id, string Name, string Arguments);
