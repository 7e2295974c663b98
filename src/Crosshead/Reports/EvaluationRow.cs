namespace Crosshead.Reports;

/// <summary>A task, or the mean of several, in an <see cref="EvaluationReport"/>.</summary>
/// <param name="Name">The task.</param>
/// <param name="Measure">What is measured, such as <c>acc</c>, with the number of examples given.</param>
/// <param name="Samples">Samples scored, or for a mean the number of its tasks.</param>
/// <param name="Scores">One a model, in the models' order.</param>
public sealed record EvaluationRow(string Name, string Measure, int Samples, IReadOnlyList<EvaluationScore> Scores)
{
    /// <summary>Whether the values are perplexities or bits, of which less is better, and not percent.</summary>
    public bool LowerIsBetter { get; init; }
}
