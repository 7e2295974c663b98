using Crosshead.Cli.Terminal;
using Crosshead.Evaluation.Results;
using Crosshead.Reports;

namespace Crosshead.Cli.Commands;

/// <summary>An evaluation as a table on the terminal.</summary>
internal static class EvaluationTable
{
    /// <summary>
    /// The table: one row per task and per mean. Each model has its value, its standard error, and its difference from
    /// the first model.
    /// </summary>
    public static ResultTable Of(Comparison comparison)
    {
        var table = new ResultTable(["task", "measure", "samples>",
            .. comparison.Models.SelectMany((m, i) => Columns(i, m + ">", "±>", "difference>"))]);
        foreach (var group in comparison.Groups)
        {
            foreach (var row in group.Rows) Add(table, row, row.Name, $"{row.Samples}");
            if (group.Mean is { } mean && comparison.Groups.Count > 1)
                Add(table, mean, $"mean of {group.Name}", $"{mean.Samples} tasks");
        }
        if (comparison.Mean is { } all) Add(table, all, "mean", $"{all.Samples} tasks");
        return table;
    }

    private static void Add(ResultTable table, ComparedTask row, string name, string samples) =>
        table.Row([name, row.Measure, samples, .. row.Scores.SelectMany((s, i) =>
            Columns(i, EvaluationVerdict.Value(row, i), double.IsFinite(s.StandardError) ? $"{s.StandardError:0.00}"
                : "–", EvaluationVerdict.Difference(row, i)))]);

    // The first model has no column for the difference.
    private static string[] Columns(int model, string value, string error, string difference) =>
        model == 0 ? [value, error] : [value, error, difference];
}
