using System.Text.RegularExpressions;
using Crosshead.Data.Recall;

namespace Crosshead.Evaluation.Tasks;

/// <summary>What a task must hold for its kind, beyond the kinds of its values.</summary>
internal static partial class TaskRules
{
    private static readonly Dictionary<TaskKind, string[]> Metrics = new()
    {
        [TaskKind.Choice] = ["acc", "acc_norm"],
        [TaskKind.LastWord] = ["acc", "perplexity"],
        [TaskKind.Text] = ["word_perplexity", "byte_perplexity", "token_perplexity", "bits_per_byte"],
        [TaskKind.Generation] = ["exact_match"],
    };

    /// <exception cref="CrossheadException">A rule is broken; the message calls the task
    /// <paramref name="source"/>.</exception>
    public static void Check(EvaluationTask task, string source)
    {
        Require(Name().IsMatch(task.Name),
            $"name (\"{task.Name}\") must be lower-case letters, digits and underscores");
        Require(task.Version >= 1, $"version ({task.Version}) must be at least 1");
        Require(task.Fields.Count > 0, "fields must name at least one field");
        foreach (var (field, alternatives) in task.Fields)
        {
            Require(Name().IsMatch(field),
                $"fields: the name \"{field}\" must be lower-case letters, digits and underscores");
            Require(!TaskTemplates.Reserved.Contains(field), $"fields: \"{field}\" is a name that templates already "
                + $"have ({string.Join(", ", TaskTemplates.Reserved)}); choose another");
            Require(alternatives.Count > 0, $"fields.{field} must hold at least one expression");
        }
        CheckSources(task.Data, "data");
        if (task.Shots is { } shots)
        {
            CheckSources(shots.Data, "shots.data");
            Require(shots.Count >= 0, $"shots.count ({shots.Count}) must be at least 0");
            Require(!shots.SameSubject || task.Fields.ContainsKey("subject"),
                "shots.sameSubject needs a field \"subject\"");
        }
        var metrics = Metrics[task.Kind];
        Require(task.Metrics.Count > 0, $"metrics must name at least one of {string.Join(", ", metrics)}");
        foreach (var metric in task.Metrics)
            if (!metrics.Contains(metric))
                throw new CrossheadException($"{source}: metrics (\"{metric.Shown()}\") is unknown for this kind of "
                    + $"task; {Suggestion.For(metric, metrics)}");
        CheckKind();

        void CheckKind()
        {
            var needed = task.Kind switch
            {
                TaskKind.Choice when task.Answer == AnswerReading.Label => ["choices", "answer", "labels"],
                TaskKind.Choice => ["choices", "answer"],
                TaskKind.Generation => ["answer"],
                _ => Array.Empty<string>(),
            };
            foreach (var field in needed)
                Require(task.Fields.ContainsKey(field), $"fields must have \"{field}\" for this kind of task");
            Require(task.Kind is TaskKind.Choice or TaskKind.Generation || task.Text != EvaluationTask.TextOfChoice,
                "text must be the template of what is scored for this kind of task, such as \"{{ answer }}\"");
            Require(task.ShuffleSeed is null || task.Kind == TaskKind.Choice,
                "shuffleSeed is for tasks of choices; remove it");
            if (task.Kind != TaskKind.Generation)
            {
                Require(task.Filters.Count == 0, "filters are for tasks of kind generation; remove them");
                return;
            }
            Require(task.MaxTokens >= 1, $"maxTokens ({task.MaxTokens}) must be at least 1");
            Require(task.Stop.All(s => s.Length > 0), "stop must hold no empty text");
            Require(task.Filters.Count > 0, "filters must hold at least one filter for this kind of task");
            foreach (var filter in task.Filters) CheckFilter(filter);
        }

        void CheckFilter(AnswerFilter filter)
        {
            Require(filter.Name.Length > 0, "filters: a name is empty");
            Require((filter.Extract == AnswerExtraction.Regex) == (filter.Pattern is not null),
                $"filter \"{filter.Name.Shown()}\": a pattern goes with extract \"regex\", and with that alone");
            try
            {
                _ = new Regex(filter.Pattern ?? "");
            }
            catch (ArgumentException e)
            {
                throw new CrossheadException($"{source}: filter \"{filter.Name.Shown()}\": the pattern "
                    + $"{filter.Pattern?.Shown()} is no regular expression ({e.Reason()}); repair it.", e);
            }
        }

        void CheckSources(IReadOnlyList<TaskSource> sources, string path)
        {
            Require(sources.Count > 0 && sources.All(s => s.Rows.Count > 0 != s.Recall is not null),
                $"{path} must name at least one file of rows, or a recall task in their place");
            foreach (var made in sources.Where(s => s.Recall is not null))
            {
                Require(sources.Count == 1 && made.Labels is null && made.Columns.Count == 0,
                    $"{path}: a recall task stands alone, without labels and columns");
                Require(made.Texts is >= 1 and <= 1_000_000, $"{path}.texts ({made.Texts}) must be 1 to 1000000");
                CheckRecall(made.Recall!, path);
            }
            foreach (var name in sources.SelectMany(s => s.Rows.Append(s.Labels ?? "labels")))
                Require(name.Length > 0 && !Path.IsPathRooted(name) && !name.Split('/', '\\').Contains(".."),
                    $"{path} (\"{name}\") must be a file below the task's folder");
        }

        void CheckRecall(string name, string path)
        {
            try
            {
                _ = RecallTask.Parse(name);
            }
            catch (CrossheadException e)
            {
                throw new CrossheadException($"{source}: {path}: {e.Message}", e);
            }
        }

        void Require(bool holds, string rule)
        {
            if (!holds) throw new CrossheadException($"{source}: {rule}.");
        }
    }

    [GeneratedRegex(@"^[a-z][a-z0-9_]*\z")]
    private static partial Regex Name();
}
