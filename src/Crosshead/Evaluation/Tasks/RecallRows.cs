using System.Text;
using Crosshead.Data.Recall;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Makes the rows of a recall task: some questions of each text.</summary>
internal static class RecallRows
{
    private const int QuestionsPerText = 8; // at most
    private const long Seed = 1;

    /// <summary>The rows, the same ones every time. At most eight answers of a text are asked for.</summary>
    public static IEnumerable<TaskRow> Make(string task, int texts)
    {
        var number = 0L;
        foreach (var text in Texts(task, texts))
        {
            var count = Math.Min(QuestionsPerText, text.Answers.Count);
            for (var i = 0; i < count; i++)
            {
                var (context, answer) = text.Question(text.Answers[i * text.Answers.Count / count]);
                yield return new TaskRow(task, "question", ++number, new()
                {
                    ["context"] = new StringValue(context),
                    ["answer"] = new StringValue(answer),
                });
            }
        }
    }

    /// <summary>What the rows are made of, for a hash of them.</summary>
    public static byte[] Identity(string task, int texts) =>
        Encoding.UTF8.GetBytes(string.Concat(Texts(task, texts).Select(t => t.Text)));

    private static IEnumerable<RecallText> Texts(string task, int count)
    {
        var made = RecallTask.Parse(task);
        return Enumerable.Range(0, count).Select(i => made.Write(Seed, RecallPurpose.Evaluation, i));
    }
}
