using Fluid;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>A task's field expressions and templates, parsed.</summary>
internal sealed class TaskTemplates
{
    /// <summary>Names that templates have beside a task's fields.</summary>
    public static readonly string[] Reserved = ["row", "file", "folder", "choice", "letter", "index", "text"];

    private readonly (string Name, TaskTemplate[] Alternatives)[] _fields;
    private readonly TaskTemplate? _where;
    private readonly string _labels;

    /// <summary>Parses them; errors call the task <paramref name="source"/>.</summary>
    public TaskTemplates(EvaluationTask task, string source)
    {
        _labels = string.Join(" or ", task.Data.Select(d => d.Labels).OfType<string>());
        List<string> known = ["row", "file", "folder"];
        _where = task.Where is { } where ? TaskTemplate.ParseExpression(where, known, "where", source) : null;
        _fields = [.. task.Fields.Select(f =>
        {
            var alternatives = f.Value.Select(e => TaskTemplate.ParseExpression(e, known, $"fields.{f.Key}", source))
                .ToArray();
            known.Add(f.Key);
            return (f.Key, alternatives);
        })];
        string[] fields = [.. task.Fields.Keys];
        string[] ofChoice = task.Kind == TaskKind.Choice ? [.. fields, "choice", "letter", "index"] : fields;
        string[] withText = task.Kind == TaskKind.Generation ? fields : [.. ofChoice, "text"];
        Description = TaskTemplate.Parse(task.Description, fields, "description", source);
        Text = task.Kind == TaskKind.Generation ? null : TaskTemplate.Parse(task.Text, ofChoice, "text", source);
        Question = TaskTemplate.Parse(task.Question, withText, "question", source);
        Continuation = task.Kind == TaskKind.Generation ? null
            : TaskTemplate.Parse(task.Continuation, withText, "continuation", source);
        ShotQuestion = task.Shots?.Question is { } question
            ? TaskTemplate.Parse(question, fields, "shots.question", source) : null;
        var shotAnswer = task.Shots?.Answer ?? (task.Kind == TaskKind.Generation ? " {{ answer }}" : null);
        ShotAnswer = shotAnswer is null ? null : TaskTemplate.Parse(shotAnswer, fields, "shots.answer", source);
        QuestionIsOfChoice = Question.Names.Overlaps(["choice", "text", "letter", "index"]);
    }

    public TaskTemplate Description { get; }

    public TaskTemplate Question { get; }

    /// <summary>The question template names a choice, so each choice has a question of its own.</summary>
    public bool QuestionIsOfChoice { get; }

    public TaskTemplate? Text { get; }

    public TaskTemplate? Continuation { get; }

    /// <summary>The template of an example's question; null: that of all questions.</summary>
    public TaskTemplate? ShotQuestion { get; }

    /// <summary>The template of an example's answer; null: it is the right continuation.</summary>
    public TaskTemplate? ShotAnswer { get; }

    /// <summary>Whether the row is asked, and the context with its fields if it is.</summary>
    public TemplateContext? Open(TaskRow row)
    {
        var context = TaskTemplate.NewContext();
        context.SetValue("row", row.Value);
        context.SetValue("file", new StringValue(Path.GetFileNameWithoutExtension(row.Path)));
        context.SetValue("folder",
            new StringValue(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(row.Path))) ?? ""));
        if (_where is not null && _where.Evaluate(context, row)?.ToBooleanValue() != true) return null;
        foreach (var (name, alternatives) in _fields) context.SetValue(name, Value(name, alternatives, context, row));
        return context;
    }

    private FluidValue Value(string name, TaskTemplate[] alternatives, TemplateContext context, TaskRow row)
    {
        var missing = new List<string>();
        foreach (var alternative in alternatives)
        {
            if (alternative.Evaluate(context, row) is { } value) return value;
            missing.AddRange(StrictMember.Absent(context));
        }
        var absent = string.Join(", ", missing.Distinct());
        var labels = _labels.Length > 0 && missing.Contains("row.label")
            ? $", and {_labels} is not beside its file" : "";
        throw new CrossheadException(
            $"{row.Place}: there is no {(absent.Length > 0 ? absent : "value")} for the field \"{name}\"; the row has "
            + $"{string.Join(", ", row.Values.Keys).Shown()}{labels}: repair it, or get the data that the task names.");
    }
}
