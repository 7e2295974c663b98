namespace Crosshead.Evaluation.Tasks;

/// <summary>A solved example before the question.</summary>
/// <param name="Question">The example's question, written as the task's own questions are.</param>
/// <param name="Answer">Its right answer, with the space before it.</param>
public sealed record TaskShot(string Question, string Answer);
