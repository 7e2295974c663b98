namespace Crosshead.Text.Chat.Answers;

/// <summary>What a parser expects in an answer.</summary>
public sealed record AnswerParserOptions
{
    /// <summary>The tools that the model may call. Without tools no calls are looked for.</summary>
    public IReadOnlyList<ChatTool> Tools { get; init; } = [];

    /// <summary>Whether calls after the first one count; if not, they are left out of the answer.</summary>
    public bool AllowsSeveralCalls { get; init; } = true;

    /// <summary>
    /// Whether the prompt has begun a thought already, see <see cref="AnswerFormat.BeginsThought"/>.
    /// </summary>
    public bool BeginsInThought { get; init; }

    /// <summary>Makes the ids of calls; null for <see cref="AnswerFormat.NewCallId"/>.</summary>
    public Func<string>? NewCallId { get; init; }
}
