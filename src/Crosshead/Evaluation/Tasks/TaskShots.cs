namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// Where a task's solved examples come from. They are the first rows of a split, the same for everybody.
/// </summary>
public sealed record TaskShots
{
    /// <summary>How many stand before a question unless the caller says otherwise.</summary>
    public int Count { get; init; }

    /// <summary>The files of the split, in order of preference.</summary>
    public required IReadOnlyList<TaskSource> Data { get; init; }

    /// <summary>Only examples of the question's own <c>subject</c> stand before it.</summary>
    public bool SameSubject { get; init; }

    /// <summary>The template of an example's question; null: that of the task's questions.</summary>
    public string? Question { get; init; }

    /// <summary>
    /// The template of an example's answer; null: the right continuation, or a space and the field <c>answer</c>.
    /// </summary>
    public string? Answer { get; init; }
}
