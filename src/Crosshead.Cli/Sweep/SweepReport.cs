using System.Globalization;
using Crosshead.Cli.Doctor;
using Crosshead.Reports.Pages;
using Crosshead.Reports.Studies;
using Crosshead.Training.Recipes;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>Creates the page of a sweep from its measurements.</summary>
internal static class SweepReport
{
    private static readonly string s_rule = string.Create(CultureInfo.InvariantCulture,
        $"A rate is stable when its runs took all steps, did not end within a spike of the training loss, and their "
            + $"final loss is at most {100 * RateChoice.Tolerance:0.#} % above that of any smaller stable rate; the "
            + $"largest such rate is chosen.");

    private const string Lowest = "Each run has the recipe's schedule. The rate with the lowest mean loss over the "
        + "seeds is chosen, among those whose runs took all steps and did not end within a spike of the training loss.";

    private const string FirstSeed = "The runs of the first seed choose it; the other seeds have that rate alone, so "
        + "their losses are not those of a choice.";

    /// <summary>Creates the content of the page.</summary>
    public static StudyReport Of(SweepOptions options, Recipe basis, IReadOnlyList<StudyRun> runs) => new()
    {
        Created = DateTimeOffset.Now,
        Steps = basis.TotalSteps,
        Variants = options.Choose(runs),
        Rule = options.Constant ? s_rule : options.LaterSeedsAtBest ? $"{Lowest} {FirstSeed}" : Lowest,
        OfLowestLoss = !options.Constant,
        Provenance = new ReportProvenance
        {
            Command = options.Command,
            Recipe = basis.ToJson(),
            Facts =
            [
                new("Data", basis.Data.Folders.Count > 0 ? string.Join(", ", basis.Data.Folders) : basis.Data.Folder),
                new("Each run", $"{basis.TotalSteps} steps of {basis.TokensPerStep} tokens, "
                    + $"{basis.Training.Schedule.WarmupSteps} of them warm-up, then at a "
                    + (options.Constant ? "constant rate" : $"rate by the schedule {basis.Training.Schedule.Kind}")),
                new("Precision", basis.Training.Dtype),
                new("Seeds", string.Join(", ", runs.Select(r => r.Seed).Distinct().Order())),
                new("Runs at a time", $"{options.Parallel}"),
                ProvenanceFacts.Machine,
                ProvenanceFacts.Program,
            ],
        },
    };
}
