using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;

namespace Crosshead.Tests.Reports;

/// <summary>Small comparisons with round numbers.</summary>
internal static class Comparisons
{
    public static ComparisonReport Report(params ComparisonRun[] runs) => new()
    {
        Title = "Variants compared",
        Created = new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero),
        Runs = runs,
        Provenance = new ReportProvenance
        {
            Command = "crosshead demo",
            Facts = [new("Machine", "2 cores")],
            Recipe = "{ \"steps\": 40 }",
        },
    };

    // Falls by one nat at each of four evaluations, to the final loss after 400,000 tokens.
    public static ComparisonRun Finished(string variant, double rate, double loss) => new()
    {
        Variant = variant,
        Name = variant.ToUpperInvariant(),
        LearningRate = rate,
        Seed = 1,
        Parameters = 2_912_000,
        Points = [.. Enumerable.Range(1, 4).Select(i => Point(i * 1000, i * 100_000, loss + 3.9 - i, loss + 4 - i))],
        FinalHeldOutLoss = loss,
        TokensPerSecond = variant == "mea" ? 990 : 1000,
        Status = RunStatus.Finished,
        Sample = new ReportSample("Gets the", " value."),
    };

    private static CurvePoint Point(long step, long tokens, double trained, double heldOut) =>
        new(step, tokens, trained, heldOut, 1000, TimeSpan.Zero);

    public static ComparisonRun Stopped(string variant, double rate, double loss, int evaluations)
    {
        var run = Finished(variant, rate, loss);
        return run with
        {
            Points = [.. run.Points.Take(evaluations)],
            FinalHeldOutLoss = null,
            Status = RunStatus.Interrupted,
            Sample = null,
        };
    }

    // The losses at given tokens, a thousand a step; finished where it has the steps planned.
    public static ComparisonRun Measured(string variant, double rate, long planned,
        params (long Tokens, double Loss)[] losses) => Finished(variant, rate, 0) with
        {
            Points = [.. losses.Select(l => Point(l.Tokens / 1000, l.Tokens, l.Loss, l.Loss))],
            FinalHeldOutLoss = losses.Length > 0 ? losses[^1].Loss : null,
            Status = losses.Length == 0 ? RunStatus.Waiting : losses[^1].Tokens / 1000 == planned ? RunStatus.Finished
                : RunStatus.Interrupted,
        };

    public static ComparisonRun Diverged(string variant, double rate)
    {
        var run = Finished(variant, rate, 3);
        return run with
        {
            Points = [.. run.Points.Take(2), Point(3000, 300_000, 11, 11),
                Point(3100, 310_000, double.NaN, double.NaN)],
            FinalHeldOutLoss = double.NaN,
            Spikes = 3,
            Status = RunStatus.Diverged,
            Sample = null,
        };
    }

    public static CompressedRun Compressed(string variant, double before, double? svd, double? after,
        double? recovered) => new()
        {
            Variant = variant,
            Name = variant.ToUpperInvariant(),
            LearningRate = 3e-3,
            CacheBytesBefore = 2048,
            CacheBytesAfter = 1024,
            LossBefore = before,
            LossSvd = svd,
            LossAfter = after,
            LossRecovered = recovered,
            RecoveryTime = recovered is null ? null : TimeSpan.FromSeconds(60),
            RecoveryTokens = recovered is null ? 0 : 512_000,
            SampleBefore = new ReportSample("Gets", " the value."),
            SampleAfter = new ReportSample("Gets", " a value."),
            SampleRecovered = recovered is null ? null : new ReportSample("Gets", " the values."),
        };
}
