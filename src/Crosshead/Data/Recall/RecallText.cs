namespace Crosshead.Data.Recall;

/// <summary>A text that states facts and then asks for them.</summary>
/// <param name="Text">The whole text, answers included.</param>
/// <param name="Answers">The answers in it, in order.</param>
public sealed record RecallText(string Text, IReadOnlyList<RecallAnswer> Answers)
{
    /// <summary>The text before an answer and its space, and the answer.</summary>
    public (string Context, string Answer) Question(RecallAnswer answer) =>
        (Text[..(answer.Start - 1)], Text.Substring(answer.Start, answer.Length));
}
