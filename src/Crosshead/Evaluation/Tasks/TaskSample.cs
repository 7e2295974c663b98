namespace Crosshead.Evaluation.Tasks;

/// <summary>One question of a task, ready to be put to a model.</summary>
/// <param name="Row">The number of its row among all that were read, from 0.</param>
/// <param name="Id">The row's own name, or its number.</param>
/// <param name="Subject">What it belongs to, such as one of MMLU's subjects; null where the task has none.</param>
/// <param name="Choices">The continuations: several for a choice, one for a last word or a text, none where the model
/// writes.</param>
/// <param name="Gold">The position of the right choice; -1 where the model writes.</param>
/// <param name="Prompt">What a writing model reads; null for the other kinds.</param>
/// <param name="Answers">Where the model writes: the answers of which any is right; else empty.</param>
public sealed record TaskSample(
    int Row,
    string Id,
    string? Subject,
    IReadOnlyList<TaskChoice> Choices,
    int Gold,
    TaskPrompt? Prompt,
    IReadOnlyList<string> Answers)
{
    /// <summary>
    /// The file and the line, row or item of it that the sample was made of; null for one made otherwise.
    /// </summary>
    public string? Place { get; init; }
}
