using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;

namespace Crosshead.Evaluation.Results;

/// <summary>How a model did on one sample of a task.</summary>
/// <param name="Sample">The sample.</param>
/// <param name="Scores">Scores of its choices, of the last word, or of the text; empty if the model writes.</param>
/// <param name="Output">What the model wrote; null for the other kinds.</param>
/// <param name="Answers">The results of the task's filters.</param>
/// <param name="Truncated">Whether the model's context was too short for all of the sample.</param>
public sealed record SampleResult(TaskSample Sample, IReadOnlyList<RequestScore> Scores, string? Output,
    IReadOnlyList<JudgedAnswer> Answers, bool Truncated)
{
    /// <summary>
    /// Whether the model's context had no room for the longest allowed answer, and the answer needed more room.
    /// </summary>
    public bool AnswerCut { get; init; }

    /// <summary>Tokens predicted; of a text only.</summary>
    public int Tokens { get; init; }

    /// <summary>The choice with the highest log-likelihood, among equals the first; −1 if there is none.</summary>
    public int Choice => Best(Scores.Select(s => s.LogLikelihood));

    /// <summary>
    /// The choice with the highest log-likelihood per character of its text (Unicode code points), as in
    /// lm-evaluation-harness.
    /// </summary>
    public int NormalizedChoice =>
        Best(Scores.Select((s, i) => s.LogLikelihood / Sample.Choices[i].Text.EnumerateRunes().Count()));

    private static int Best(IEnumerable<double> values)
    {
        var (best, most, at) = (-1, double.NaN, 0);
        foreach (var value in values)
        {
            if (best < 0 || value > most || double.IsNaN(most) && !double.IsNaN(value)) (best, most) = (at, value);
            at++;
        }
        return best;
    }
}
