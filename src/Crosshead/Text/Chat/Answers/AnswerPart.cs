namespace Crosshead.Text.Chat.Answers;

/// <summary>A piece of a model's answer.</summary>
public abstract record AnswerPart;

/// <summary>More of what the model says.</summary>
/// <param name="Text">The new text.</param>
public sealed record ContentPart(string Text) : AnswerPart;

/// <summary>More of what the model thinks.</summary>
/// <param name="Text">The new text.</param>
public sealed record ReasoningPart(string Text) : AnswerPart;

/// <summary>The model begins to call a tool.</summary>
/// <param name="Index">Number of the call within the answer, from 0.</param>
/// <param name="Id">The new id of the call.</param>
/// <param name="Name">The name of the tool.</param>
public sealed record ToolCallBeginPart(int Index, string Id, string Name) : AnswerPart;

/// <summary>More of a call's arguments.</summary>
/// <param name="Index">Number of the call within the answer, from 0.</param>
/// <param name="Text">The new text. All texts of a call together are a JSON object.</param>
public sealed record ToolCallArgumentsPart(int Index, string Text) : AnswerPart;
