using System.Globalization;
using Crosshead.Runtime;
using Fluid;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Makes a task's samples and solved examples of rows.</summary>
internal sealed class TaskSamples(EvaluationTask task)
{
    private readonly TaskTemplates _templates = new(task, $"task {task.Name}");

    /// <summary>
    /// The samples of the rows that are asked, with the examples that <paramref name="shots"/> gives for a subject
    /// before each.
    /// </summary>
    public IEnumerable<TaskSample> Make(IEnumerable<TaskRow> rows, Func<string?, IReadOnlyList<TaskShot>> shots)
    {
        var number = 0;
        foreach (var row in rows)
        {
            if (_templates.Open(row) is not { } context) continue;
            yield return Make(row, context, number, shots(Subject(context)));
            number++;
        }
    }

    /// <summary>The rows as solved examples, each with its subject.</summary>
    public IEnumerable<(string? Subject, TaskShot Shot)> MakeShots(IEnumerable<TaskRow> rows)
    {
        var number = 0;
        foreach (var row in rows)
        {
            if (_templates.Open(row) is not { } context) continue;
            var sample = Make(row, context, number++, []);
            var right = sample.Choices.Count > 0 ? sample.Choices[sample.Gold] : null;
            var question = _templates.ShotQuestion?.Render(context, row) ?? (right?.Prompt ?? sample.Prompt!).Question;
            var answer = _templates.ShotAnswer?.Render(context, row) ?? right!.Continuation;
            yield return (sample.Subject, new(question, answer));
        }
    }

    private TaskSample Make(TaskRow row, TemplateContext context, int number, IReadOnlyList<TaskShot> shots)
    {
        var own = task.Fields.ContainsKey("id") ? context.GetValue("id").ToStringValue() : "";
        var id = own.Length > 0 ? own : number.ToString(CultureInfo.InvariantCulture);
        var subject = Subject(context);
        if (task.Kind == TaskKind.Generation)
            return new(number, id, subject, [], -1, Prompt(row, context, shots), Answers(row, context))
            {
                Place = row.Place,
            };

        var elements = task.Kind == TaskKind.Choice ? Elements(row, context) : [NilValue.Instance];
        var gold = task.Kind == TaskKind.Choice ? Gold(row, context, elements) : 0;
        if (task.ShuffleSeed is { } seed) gold = Shuffle(elements, context, gold, seed, number);
        var choices = new TaskChoice[elements.Length];
        var shared = _templates.QuestionIsOfChoice ? null : Prompt(row, context, shots);
        for (var i = 0; i < elements.Length; i++)
        {
            if (task.Kind == TaskKind.Choice)
            {
                context.SetValue("choice", elements[i]);
                context.SetValue("letter", new StringValue(TaskFilters.Letter(i)));
                context.SetValue("index", NumberValue.Create(i));
            }
            var text = _templates.Text!.Render(context, row);
            context.SetValue("text", new StringValue(text));
            var continuation = _templates.Continuation!.Render(context, row);
            if (text.Length == 0 || string.IsNullOrWhiteSpace(continuation))
                throw new CrossheadException(
                    $"{row.Place}: choice {i + 1} is empty; a choice must be some text: repair or remove the row.");
            choices[i] = new(shared ?? Prompt(row, context, shots), continuation, text);
        }
        return new(number, id, subject, choices, gold, null, []) { Place = row.Place };
    }

    private TaskPrompt Prompt(TaskRow row, TemplateContext context, IReadOnlyList<TaskShot> shots) =>
        new(_templates.Description.Render(context, row), shots, _templates.Question.Render(context, row));

    private string? Subject(TemplateContext context) =>
        task.Fields.ContainsKey("subject") ? context.GetValue("subject").ToStringValue() : null;

    private static FluidValue[] Elements(TaskRow row, TemplateContext context)
    {
        if (context.GetValue("choices") is not ArrayValue { Values: var values })
            throw new CrossheadException($"{row.Place}: choices must be a list of texts; repair or remove the row.");
        if (values.Count == 0)
            throw new CrossheadException($"{row.Place}: there are no choices (an empty list); at least one is needed: "
                + $"repair or remove the row.");
        if (values.Count > 26)
            throw new CrossheadException(
                $"{row.Place}: there are {values.Count} choices; at most 26 have a letter: repair or remove the row.");
        for (var i = 0; i < values.Count; i++)
            if (values[i] is not StringValue)
                throw new CrossheadException($"{row.Place}: choice {i + 1} is {AnswerIndex.Kind(values[i])}, but a "
                    + $"text is expected; repair or remove the row.");
        return [.. values];
    }

    private int Gold(TaskRow row, TemplateContext context, FluidValue[] choices)
    {
        var labels = task.Answer == AnswerReading.Label ? context.GetValue("labels") as ArrayValue : null;
        if (task.Answer == AnswerReading.Label && labels?.Values.Count != choices.Length)
            throw new CrossheadException($"{row.Place}: there are {labels?.Values.Count ?? 0} labels for "
                + $"{choices.Length} choices; repair or remove the row.");
        return AnswerIndex.Of(context.GetValue("answer"), task.Answer, choices, labels?.Values ?? [], row.Place);
    }

    private static string[] Answers(TaskRow row, TemplateContext context)
    {
        var value = context.GetValue("answer");
        string[] answers = [.. (value is ArrayValue list ? list.Values : [value])
            .Select(a => a is StringValue or NumberValue or BooleanValue
                ? a.ToStringValue() : throw new CrossheadException($"{row.Place}: an answer is {AnswerIndex.Kind(a)}, "
                    + $"but a text or number is expected; repair or remove the row."))];
        return answers.Length > 0 && answers.All(a => !string.IsNullOrWhiteSpace(a))
            ? answers : throw new CrossheadException($"{row.Place}: the answer is empty; repair or remove the row.");
    }

    // Fisher and Yates, with a generator that is the same everywhere. Templates see the new order.
    private static int Shuffle(FluidValue[] choices, TemplateContext context, int gold, int seed, int row)
    {
        var random = new RandomStream(seed, row);
        var order = Enumerable.Range(0, choices.Length).ToArray();
        for (var i = order.Length - 1; i > 0; i--)
        {
            var j = (int)(random.NextDouble() * (i + 1));
            (order[i], order[j], choices[i], choices[j]) = (order[j], order[i], choices[j], choices[i]);
        }
        context.SetValue("choices", new ArrayValue([.. choices]));
        return Array.IndexOf(order, gold);
    }
}
