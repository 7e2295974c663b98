using System.Globalization;
using Crosshead.Evaluation.Results;

namespace Crosshead.Reports;

/// <summary>Explains the numbers of an evaluation in words.</summary>
public static class EvaluationVerdict
{
    private const double Clear = 2; // standard errors from which a difference is called one

    /// <summary>One sentence with the mean score of each model and its difference from the first model.</summary>
    public static string Headline(Comparison comparison)
    {
        var rows = comparison.Groups.SelectMany(g => g.Rows).ToArray();
        if ((comparison.Mean ?? rows.FirstOrDefault(r => !r.LowerIsBetter) ?? rows.FirstOrDefault()) is not { } row)
            return "Nothing was measured.";
        var over = comparison.Mean is null ? $" on {row.Name}" : $" on average over {row.Samples} tasks";
        var first = $"{comparison.Models[0]} {(row.LowerIsBetter ? $"has a {row.Measure} of" : "scores")} "
            + $"{Value(row, 0)}{over}";
        return comparison.Models.Count == 1 ? first + "." : first + "; "
            + string.Join(", ", comparison.Models.Skip(1).Select((m, i) => Against(row, i + 1, m))) + ".";
    }

    /// <summary>
    /// Further sentences. They compare each other model with the first: in how many tasks the difference is clear, and
    /// where it is largest. The remarks of the comparison follow.
    /// </summary>
    public static IEnumerable<string> Remarks(Comparison comparison)
    {
        var rows = comparison.Groups.SelectMany(g => g.Rows).Where(r => !r.LowerIsBetter).ToArray();
        for (var m = 1; m < comparison.Models.Count; m++)
        {
            var clear = rows.Where(r => Errors(r.Scores[m]) is { } e && Math.Abs(e) >= Clear)
                .OrderBy(r => r.Scores[m].Difference).ToArray();
            var (losses, gains) = (clear.Where(r => r.Scores[m].Difference < 0).ToArray(),
                clear.Where(r => r.Scores[m].Difference > 0).Reverse().ToArray());
            yield return clear.Length == 0
                ? $"{comparison.Models[m]} differs from {comparison.Models[0]} in no single task by {Clear:0} standard "
                + $"errors or more: these samples cannot tell them apart task by task."
                : $"{comparison.Models[m]} is clearly worse than {comparison.Models[0]} in {losses.Length} of "
                + $"{rows.Length} tasks{Most(losses, m)}, and clearly better in {gains.Length}{Most(gains, m)}.";
        }
        foreach (var remark in comparison.Remarks) yield return remark;
    }

    /// <summary>A value as in the tables: a score such as <c>45.90 %</c>, or a perplexity.</summary>
    public static string Value(ComparedTask row, int model) =>
        row.Scores[model].Value is var value && !double.IsFinite(value) ? "not finite"
        : row.LowerIsBetter
        ? value.ToString(value < 100 ? "0.000" : value < 1e5 ? "0.0" : "0.00e0", CultureInfo.InvariantCulture)
        : value.ToString("0.00", CultureInfo.InvariantCulture) + " %";

    /// <summary>
    /// A difference as in the tables, with its size in standard errors: <c>−1.30 (−2.1 σ)</c>. Empty for the first
    /// model.
    /// </summary>
    public static string Difference(ComparedTask row, int model)
    {
        if (row.Scores[model].Difference is not { } difference) return "";
        var text = difference.ToString(row.LowerIsBetter ? "+0.000;−0.000;0.000" : "+0.00;−0.00;0.00",
            CultureInfo.InvariantCulture);
        return Errors(row.Scores[model]) is { } errors
            ? $"{text} ({errors.ToString("+0.0;−0.0;0.0", CultureInfo.InvariantCulture)} σ)" : text;
    }

    private static string Against(ComparedTask row, int model, string name)
    {
        var score = row.Scores[model];
        if (row.LowerIsBetter) return $"{name} {Value(row, model)}";
        var size = Errors(score) is { } errors
            ? $" ({Math.Abs(errors).ToString("0.0", CultureInfo.InvariantCulture)} standard errors)" : "";
        return Math.Round(score.Difference!.Value, 2) == 0
            ? $"{name} the same"
            : $"{name} {Value(row, model)}, "
            + $"{Math.Abs(score.Difference.Value).ToString("0.00", CultureInfo.InvariantCulture)} points "
            + $"{(score.Difference < 0 ? "less" : "more")}{size}";
    }

    private static string Most(ComparedTask[] rows, int model) =>
        rows.Length == 0 ? "" : $" (most in {rows[0].Name}, {Difference(rows[0], model)})";

    private static double? Errors(ComparedScore score) =>
        score.Difference is { } difference && score.DifferenceError > 0 && double.IsFinite(difference)
        ? difference / score.DifferenceError : null;
}
