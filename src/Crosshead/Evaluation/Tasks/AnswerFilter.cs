namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// One way to find and judge the answer in what a model wrote; a task may have a strict one and a lenient one.
/// </summary>
/// <param name="Name">The filter's name in results, such as <c>strict</c>.</param>
/// <param name="Extract">How the answer is found.</param>
/// <param name="Pattern">The regular expression of <see cref="AnswerExtraction.Regex"/>; else null.</param>
/// <param name="Last">The last match is taken rather than the first.</param>
/// <param name="Compare">When it is right.</param>
public sealed record AnswerFilter(
    string Name,
    AnswerExtraction Extract,
    string? Pattern = null,
    bool Last = false,
    AnswerComparison Compare = AnswerComparison.Text);
