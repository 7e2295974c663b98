using Crosshead.Evaluation.Tasks;

namespace Crosshead.Evaluation.Results;

/// <summary>
/// Models beside each other on the same samples, task by task and group by group; the others are compared with the
/// first.
/// </summary>
public sealed record Comparison
{
    // The order of arXiv 2601.19611, tables 2–5; groups of users' own tasks follow.
    private static readonly string[] s_groups = ["knowledge", "science", "mathematics", "commonsense", "language"];

    /// <summary>What the models are called.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>The tasks, by group.</summary>
    public required IReadOnlyList<ComparedGroup> Groups { get; init; }

    /// <summary>The mean over all tasks that are measured in percent; null if there is at most one.</summary>
    public required ComparedTask? Mean { get; init; }

    /// <summary>
    /// What readers must know about single tasks: another scorer than the paper's, cut contexts.
    /// </summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>Compares models that did the same tasks.</summary>
    /// <param name="models">The models, at least one.</param>
    public static Comparison Of(IReadOnlyList<ModelEvaluation> models)
    {
        var rows = models[0].Results.Select((r, i) => (r.Task.Group, Row: Row(models, i))).ToArray();
        return new Comparison
        {
            Models = [.. models.Select(m => m.Name)],
            Groups = [.. rows.GroupBy(r => r.Group)
                .OrderBy(g => Array.IndexOf(s_groups, g.Key) is >= 0 and var at ? at : s_groups.Length)
                .Select(g => new ComparedGroup(g.Key, [.. g.Select(r => r.Row)], MeanOf([.. g.Select(r => r.Row)])))],
            Mean = MeanOf([.. rows.Select(r => r.Row)]),
            Remarks = [.. RemarksOn(models)],
        };
    }

    private static ComparedTask Row(IReadOnlyList<ModelEvaluation> models, int task)
    {
        var results = models.Select(m => m.Results[task]).ToArray();
        var metrics = results.Select(r => r.Metrics[0]).ToArray();
        var scale = metrics[0].LowerIsBetter ? 1 : 100;
        var shots = results[0].Shots > 0 ? $", {results[0].Shots}-shot" : "";
        return new ComparedTask(results[0].Task.Name, metrics[0].Name + shots, results[0].Samples.Count,
            [.. metrics.Select((metric, m) =>
            {
                if (m == 0)
                    return new ComparedScore(scale * metric.Value, scale * metric.StandardError, null, double.NaN);
                var (difference, error) = metric.Against(metrics[0]);
                return new ComparedScore(scale * metric.Value, scale * metric.StandardError,
                    scale * difference, scale * error);
            })])
        { LowerIsBetter = metrics[0].LowerIsBetter };
    }

    // Tasks have equal weights, whatever their number of samples. They are independent, so their errors add as squares.
    private static ComparedTask? MeanOf(IReadOnlyList<ComparedTask> rows)
    {
        var counted = rows.Where(r => !r.LowerIsBetter).ToArray();
        if (counted.Length < 2) return null;
        double Error(Func<ComparedScore, double> of, int m) =>
            Math.Sqrt(counted.Sum(r => of(r.Scores[m]) * of(r.Scores[m]))) / counted.Length;
        return new ComparedTask("mean", "", counted.Length,
            [.. Enumerable.Range(0, counted[0].Scores.Count).Select(m => new ComparedScore(
                counted.Average(r => r.Scores[m].Value), Error(s => s.StandardError, m),
                m == 0 ? null : counted.Average(r => r.Scores[m].Difference!.Value),
                Error(s => s.DifferenceError, m)))]);
    }

    private static string Counted(ModelEvaluation model, Func<TaskResult, int> count) =>
        string.Join(", ",
            model.Results.Where(r => count(r) > 0).Select(r => $"{count(r)} of {r.Samples.Count} in {r.Task.Name}"));

    private static IEnumerable<string> RemarksOn(IReadOnlyList<ModelEvaluation> models)
    {
        foreach (var task in models[0].Results.Select(r => r.Task).Where(t => t.Note is not null))
            yield return $"{task.Name}: {task.Note}";
        foreach (var alike in models.GroupBy(m => Counted(m, r => r.Truncated)).Where(g => g.Key.Length > 0))
            yield return $"Samples longer than the context of {string.Join(", ", alike.Select(m => m.Name))} lost "
                + $"their beginning: {alike.Key}.";
        foreach (var alike in models.GroupBy(m => Counted(m, r => r.AnswersCut)).Where(g => g.Key.Length > 0))
            yield return $"Answers for which the context of {string.Join(", ", alike.Select(m => m.Name))} has no room "
                + $"were cut: {alike.Key}.";
        foreach (var model in models)
            foreach (var result in model.Results.Where(
                r => r.Task.Kind != TaskKind.Generation && !double.IsFinite(r.MeanGoldLogLikelihood)))
                yield return $"{result.Task.Name}: {model.Name} gave log-likelihoods that are not finite; its "
                    + $"scores mean nothing.";
    }
}

/// <summary>Tasks of one kind.</summary>
/// <param name="Name">Their subject: knowledge, science, mathematics …</param>
/// <param name="Rows">The tasks.</param>
/// <param name="Mean">Their mean; null if at most one task counts.</param>
public sealed record ComparedGroup(string Name, IReadOnlyList<ComparedTask> Rows, ComparedTask? Mean);

/// <summary>A task, or the mean of several.</summary>
/// <param name="Name">The task.</param>
/// <param name="Measure">What is measured, such as <c>acc</c>, with the number of examples given.</param>
/// <param name="Samples">Samples scored, or for a mean the number of its tasks.</param>
/// <param name="Scores">One per model, in the models' order.</param>
public sealed record ComparedTask(string Name, string Measure, int Samples, IReadOnlyList<ComparedScore> Scores)
{
    /// <summary>Whether the values are perplexities or bits, and not percent, so that less is better.</summary>
    public bool LowerIsBetter { get; init; }
}

/// <summary>What one model reached in a task.</summary>
/// <param name="Value">Percent, a perplexity, or bits per byte.</param>
/// <param name="StandardError">Standard error of the value; NaN if it is not known.</param>
/// <param name="Difference">
/// Difference to the first model: percentage points, nats for a perplexity, or bits; null for the first model itself.
/// </param>
/// <param name="DifferenceError">Standard error of the difference.</param>
public sealed record ComparedScore(double Value, double StandardError, double? Difference, double DifferenceError);
