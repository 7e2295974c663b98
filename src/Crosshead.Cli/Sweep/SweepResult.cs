using System.Text.Json.Nodes;
using Crosshead.Cli.Terminal;
using Crosshead.Reports.Pages;
using Crosshead.Reports.Studies;
using Crosshead.Training.Recipes;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>Result of a sweep: a table and sentences for people, one JSON object for scripts.</summary>
internal static class SweepResult
{
    /// <summary>Writes the table, the chosen rates and the path of the report.</summary>
    public static void Show(CommandOutput output, SweepOptions options, StudyReport report)
    {
        var seeds = options.Seeds.Count > 1;
        var table = seeds
            ? new ResultTable("variant", "rate>", "seed>", "held-out loss>", "spike steps>", "stable",
                "tokens/s>", "state")
            : new ResultTable("variant", "rate>", "held-out loss>", "spike steps>", "stable", "tokens/s>", "state");
        foreach (var (variant, run) in report.Variants.SelectMany(v => v.Runs.Select(r => (v, r))))
        {
            var standing = variant.Rates.First(r => r.LearningRate == run.LearningRate);
            var stable = standing.Stable switch
            {
                true => standing == variant.LargestStable ? "yes, chosen" : "yes",
                false => $"no: {standing.Why}",
                _ => "–",
            };
            string[] cells = [ReportNumbers.Loss(run.HeldOutLoss), $"{run.SpikeSteps}", stable,
                run.TokensPerSecond is { } speed ? Quantity.Count(speed) : "–", run.Status.InWords()];
            table.Row([variant.Variant, ReportNumbers.Rate(run.LearningRate),
                .. seeds ? [$"{run.Seed}"] : Array.Empty<string>(), .. cells]);
        }
        output.Table(table);
        if (report.OfLowestLoss) ShowModels(output, StudyModels.Of(report));
        output.Line(StudyVerdict.Of(report).ToString());
        foreach (var run in report.Variants.SelectMany(v => v.Runs).Where(r => r.Reason is not null))
            output.Line($"{run.Variant} at {ReportNumbers.Rate(run.LearningRate)} "
                + $"{(run.Status == RunStatus.Diverged ? "diverged" : "failed")}: {run.Reason}");
        if (report.Variants.SelectMany(v => v.Runs).Any(r => r.Status is RunStatus.Waiting or RunStatus.Interrupted))
            output.Line("Not all runs are done, their state is saved: the same command goes on from here.");
        else if (report.Variants.Any(v => v.LargestStable is not null))
            output.Line($"Recipes of the full runs: {Path.Combine(options.Folder, "recipes")}");
        output.Line($"Curves, fits and how to get them again: {SweepFolder.Report(options.Folder)}");
    }

    private static void ShowModels(CommandOutput output, StudyModels models)
    {
        if (models.Models.Count == 0) return;
        var costs = new ResultTable([.. StudyModels.Columns]);
        foreach (var row in models.Rows) costs.Row(row);
        output.Table(costs);
        if (!models.Recall.Any()) return;
        var recall = new ResultTable(["recall", .. models.Models.Select(m => m.Variant + ">")]);
        foreach (var row in models.Recall) recall.Row(row);
        output.Table(recall);
    }

    /// <summary>Creates the JSON object for scripts.</summary>
    public static JsonObject Node(SweepOptions options, StudyReport report, Recipe basis, IReadOnlyList<StudyRun> runs,
        IReadOnlyList<RateChoice> choices) => new()
        {
            ["verdict"] = StudyVerdict.Of(report).Headline,
            ["dtype"] = basis.Training.Dtype,
            ["runs"] = CommandOutput.List(runs, r => Node(r,
                choices.First(c => c.Variant == r.Variant).Rates.First(s => s.LearningRate == r.LearningRate))),
            ["best"] = CommandOutput.List(choices.Where(c => c.LargestStable is not null), c => new JsonObject
            {
                ["variant"] = c.Variant,
                ["learningRate"] = c.LargestStable!.LearningRate,
                ["heldOutLoss"] = Number(c.LargestStable.HeldOutLoss),
                ["lowestLossLearningRate"] = c.LowestLoss?.LearningRate,
                ["recipe"] = File.Exists(SweepFolder.FullRecipe(options.Folder, c.Variant))
                    ? SweepFolder.FullRecipe(options.Folder, c.Variant) : null,
            }),
            ["report"] = SweepFolder.Report(options.Folder),
        };

    private static JsonObject Node(StudyRun run, RateStanding standing) => new()
    {
        ["variant"] = run.Variant,
        ["learningRate"] = run.LearningRate,
        ["seed"] = run.Seed,
        ["status"] = $"{run.Status}".ToLowerInvariant(),
        ["reason"] = run.Reason,
        ["heldOutLoss"] = Number(run.HeldOutLoss),
        ["spikes"] = run.SpikeSteps,
        ["stable"] = standing.Stable,
        ["unstableReason"] = standing.Why,
        ["tokensPerSecond"] = Number(run.TokensPerSecond),
        ["parameters"] = run.Cost?.Parameters,
        ["cacheNumbersPerToken"] = run.Cost?.CacheNumbers,
        ["cacheBytesPerToken"] = run.Cost?.CacheBytes,
        ["decodeSeconds"] = Number(run.DecodeSeconds),
        ["recall"] = run.Recall is { } recall
            ? new JsonObject(recall.Select(r => KeyValuePair.Create(r.Key, Number(r.Value)))) : null,
        ["fit"] = run.Fit is { } fit ? Node(fit) : null,
        ["fitRefused"] = run.FitRefusal,
    };

    private static JsonObject Node(PowerLawFit fit) => new()
    {
        ["alpha"] = fit.Alpha.Value,
        ["alphaInterval"] = Node(fit.Alpha),
        ["dc"] = fit.DataScale.Value,
        ["dcInterval"] = Node(fit.DataScale),
        ["l0"] = fit.Floor.Value,
        ["l0Interval"] = Node(fit.Floor),
        ["noise"] = fit.Noise,
        ["points"] = fit.Used.Count,
    };

    private static JsonArray Node(Estimate estimate) => new(estimate.Low, estimate.High);

    private static JsonNode? Number(double? value) => value is { } number ? CommandOutput.Number(number) : null;
}
