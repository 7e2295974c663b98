namespace Crosshead.Cli.Chat;

/// <summary>A piece of an answer.</summary>
/// <param name="Text">The new text.</param>
/// <param name="IsThought">Whether the text belongs to the model's thoughts, which are no part of the answer.</param>
/// <param name="Remark">Why the answer ended early, in one sentence; null if it goes on or is whole.</param>
internal readonly record struct ChatPiece(string Text, bool IsThought = false, string? Remark = null);
