namespace Crosshead.Cli.Chat;

/// <summary>Remarks on answers that ended early.</summary>
internal static class Remarks
{
    /// <summary>The answer has as many tokens as it may have.</summary>
    public static ChatPiece AtMostTokens(int most) =>
        new("", Remark: $"The answer ended after {most} tokens; a higher --max-tokens allows longer ones.");

    /// <summary>Prompt and answer are as long as they can be.</summary>
    /// <param name="what">What is full, such as <c>server's context</c>.</param>
    public static ChatPiece FullContext(string what) =>
        new("", Remark: $"The answer ended because the {what} is full; /clear begins a new conversation.");
}
