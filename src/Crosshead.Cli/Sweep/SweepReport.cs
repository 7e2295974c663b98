using System.Globalization;
using Crosshead.Cli.Doctor;
using Crosshead.Reports.Pages;
using Crosshead.Reports.Studies;
using Crosshead.Training.Recipes;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>Turns what a sweep measured into the content of its page.</summary>
internal static class SweepReport
{
    private const int CurvePoints = 60;

    private static readonly string s_rule = string.Create(CultureInfo.InvariantCulture,
        $"A rate is stable when its runs took all steps, did not end within a spike of the training loss, and their final loss is at most {100 * RateChoice.Tolerance:0.#} % above that of any smaller stable rate; the largest such rate is chosen.");

    /// <summary>The page's content.</summary>
    public static StudyReport Of(SweepOptions options, Recipe basis, IReadOnlyList<StudyRun> runs) => new()
    {
        Created = DateTimeOffset.Now,
        Steps = basis.TotalSteps,
        Variants = [.. RateChoice.Of(runs).Select(c => Variant(c, [.. runs.Where(r => r.Variant == c.Variant)]))],
        Rule = s_rule,
        Provenance = new ReportProvenance
        {
            Command = options.Command,
            Recipe = basis.ToJson(),
            Facts =
            [
                new("Data", basis.Data.Folders.Count > 0 ? string.Join(", ", basis.Data.Folders) : basis.Data.Folder),
                new("Each run", $"{basis.TotalSteps} steps of {basis.TokensPerStep} tokens, {basis.Training.Schedule.WarmupSteps} of them warm-up, then at a constant rate"),
                new("Precision", basis.Training.Dtype),
                new("Seeds", string.Join(", ", runs.Select(r => r.Seed).Distinct().Order())),
                new("Runs at a time", $"{options.Parallel}"),
                ProvenanceFacts.Machine,
                ProvenanceFacts.Program,
            ],
        },
    };

    private static StudyReportVariant Variant(RateChoice choice, IReadOnlyList<StudyRun> runs)
    {
        StudyReportRate[] rates = [.. choice.Rates.Select(r => new StudyReportRate(r.LearningRate, r.HeldOutLoss, r.Stable, r.Why))];
        StudyReportRate? Same(RateStanding? standing) => rates.FirstOrDefault(r => r.LearningRate == standing?.LearningRate);
        return new StudyReportVariant { Name = choice.Variant, Rates = rates, Runs = [.. runs.Select(Run)], Chosen = Same(choice.LargestStable), LowestLoss = Same(choice.LowestLoss) };
    }

    private static StudyReportRun Run(StudyRun run) => new()
    {
        Variant = run.Variant,
        LearningRate = run.LearningRate,
        Seed = run.Seed,
        Status = run.Status switch
        {
            StudyStatus.Waiting => RunStatus.Waiting,
            StudyStatus.Interrupted => RunStatus.Stopped,
            StudyStatus.Finished => RunStatus.Finished,
            StudyStatus.Diverged => RunStatus.Diverged,
            _ => RunStatus.Failed,
        },
        Reason = run.Reason,
        Points = run.Curve,
        SpikesAt = run.SpikesAt,
        SpikeSteps = run.SpikeSteps,
        TokensPerSecond = run.TokensPerSecond,
        HeldOutLoss = run.HeldOutLoss,
        Fit = run.Fit is { } fit ? Fit(fit) : null,
        FitRefusal = run.FitRefusal,
    };

    private static StudyFit Fit(PowerLawFit fit)
    {
        var (first, last) = (fit.Used[0].Tokens, fit.Used[^1].Tokens);
        return new StudyFit
        {
            Alpha = Estimate(fit.Alpha, fit.AlphaInterval),
            DataScale = Estimate(fit.DataScale, fit.DataScaleInterval),
            Floor = Estimate(fit.Floor, fit.FloorInterval),
            Noise = fit.Noise,
            Points = fit.Used.Count,
            // Equal steps of a logarithmic axis.
            Curve = [.. Enumerable.Range(0, CurvePoints).Select(i => first * Math.Pow(last / first, i / (CurvePoints - 1.0))).Select(t => (t, Estimate(fit.At(t), fit.BandAt(t))))],
        };
    }

    private static StudyEstimate Estimate(double value, Interval interval) => new(value, interval.Low, interval.High);
}
