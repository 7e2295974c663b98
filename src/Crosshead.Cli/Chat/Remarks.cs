namespace Crosshead.Cli.Chat;

/// <summary>Remarks on answers that ended early.</summary>
internal static class Remarks
{
    /// <summary>The answer has as many tokens as it may have.</summary>
    public static ChatPiece AtMostTokens(int most) =>
        new("", Remark: $"The answer ended after {most} tokens; a higher --max-tokens allows longer ones.");
}
