using System.Text;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// What a model reads before it continues. Parts are shared between prompts, so that thousands of them are small.
/// </summary>
/// <param name="Description">What stands before everything, with its own line ends; may be empty.</param>
/// <param name="Shots">Solved examples.</param>
/// <param name="Question">The question, without a space at its end.</param>
public sealed record TaskPrompt(string Description, IReadOnlyList<TaskShot> Shots, string Question)
{
    /// <summary>The prompt as one text: description, each example with a blank line after it, question.</summary>
    public string ToText()
    {
        if (Description.Length == 0 && Shots.Count == 0) return Question;
        var text = new StringBuilder(Description);
        foreach (var shot in Shots) text.Append(shot.Question).Append(shot.Answer).Append("\n\n");
        return text.Append(Question).ToString();
    }
}
