using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Tasks;
using Crosshead.Reports;
using Crosshead.Reports.Pages;

namespace Crosshead.Cli.Commands;

/// <summary>Puts models beside each other, task by task and group by group, as the page and the table show them.</summary>
internal static class EvaluationSummary
{
    // The order of arXiv 2601.19611, tables 2–5; groups of users' own tasks follow.
    private static readonly string[] s_groups = ["knowledge", "science", "mathematics", "commonsense", "language"];

    /// <summary>The content of the page.</summary>
    public static EvaluationReport Create(IReadOnlyList<ModelEvaluation> models, ReportProvenance provenance)
    {
        var rows = models[0].Results.Select((r, i) => (r.Task.Group, Row: Row(models, i))).ToArray();
        var groups = rows.GroupBy(r => r.Group).OrderBy(g => Array.IndexOf(s_groups, g.Key) is >= 0 and var at ? at : s_groups.Length)
            .Select(g => new EvaluationGroup(g.Key, [.. g.Select(r => r.Row)], Mean([.. g.Select(r => r.Row)]))).ToArray();
        return new EvaluationReport
        {
            Models = [.. models.Select(m => m.Name)],
            Created = DateTimeOffset.Now,
            Groups = groups,
            Mean = Mean([.. rows.Select(r => r.Row)]),
            Remarks = [.. Remarks(models)],
            Provenance = provenance,
        };
    }

    private static EvaluationRow Row(IReadOnlyList<ModelEvaluation> models, int task)
    {
        var results = models.Select(m => m.Results[task]).ToArray();
        var metrics = results.Select(r => r.Metrics[0]).ToArray();
        var scale = metrics[0].LowerIsBetter ? 1 : 100;
        var shots = results[0].Shots > 0 ? $", {results[0].Shots}-shot" : "";
        return new EvaluationRow(results[0].Task.Name, metrics[0].Name + shots, results[0].Samples.Count, [.. metrics.Select((metric, m) =>
        {
            if (m == 0) return new EvaluationScore(scale * metric.Value, scale * metric.StandardError, null, double.NaN);
            var (difference, error) = metric.Against(metrics[0]);
            return new EvaluationScore(scale * metric.Value, scale * metric.StandardError, scale * difference, scale * error);
        })])
        { LowerIsBetter = metrics[0].LowerIsBetter };
    }

    // Tasks weigh alike, whatever their number of samples; they are independent, so their errors add as squares.
    private static EvaluationRow? Mean(IReadOnlyList<EvaluationRow> rows)
    {
        var counted = rows.Where(r => !r.LowerIsBetter).ToArray();
        if (counted.Length < 2) return null;
        double Error(Func<EvaluationScore, double> of, int m) => Math.Sqrt(counted.Sum(r => of(r.Scores[m]) * of(r.Scores[m]))) / counted.Length;
        return new EvaluationRow("mean", "", counted.Length, [.. Enumerable.Range(0, counted[0].Scores.Count).Select(m => new EvaluationScore(
            counted.Average(r => r.Scores[m].Value), Error(s => s.StandardError, m),
            m == 0 ? null : counted.Average(r => r.Scores[m].Difference!.Value), Error(s => s.DifferenceError, m)))]);
    }

    private static string Counted(ModelEvaluation model, Func<TaskResult, int> count) =>
        string.Join(", ", model.Results.Where(r => count(r) > 0).Select(r => $"{count(r)} of {r.Samples.Count} in {r.Task.Name}"));

    private static IEnumerable<string> Remarks(IReadOnlyList<ModelEvaluation> models)
    {
        foreach (var task in models[0].Results.Select(r => r.Task).Where(t => t.Note is not null))
            yield return $"{task.Name}: {task.Note}";
        foreach (var alike in models.GroupBy(m => Counted(m, r => r.Truncated)).Where(g => g.Key.Length > 0))
            yield return $"Samples longer than the context of {string.Join(", ", alike.Select(m => m.Name))} lost their beginning: {alike.Key}.";
        foreach (var alike in models.GroupBy(m => Counted(m, r => r.AnswersCut)).Where(g => g.Key.Length > 0))
            yield return $"Answers for which the context of {string.Join(", ", alike.Select(m => m.Name))} has no room were cut: {alike.Key}.";
        foreach (var model in models)
            foreach (var result in model.Results.Where(r => r.Task.Kind != TaskKind.Generation && !double.IsFinite(r.MeanGoldLogLikelihood)))
                yield return $"{result.Task.Name}: {model.Name} gave log-likelihoods that are not finite; its scores mean nothing.";
    }
}
