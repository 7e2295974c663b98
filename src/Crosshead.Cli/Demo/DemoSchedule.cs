using Crosshead.Reports;

namespace Crosshead.Cli.Demo;

/// <summary>How the demo spends its time, planned from the speed that was measured.</summary>
/// <param name="Rates">How many of the learning rates are tried, the first ones.</param>
/// <param name="Steps">Optimizer steps of each run.</param>
/// <param name="Compression">What halving the caches and recovery may take.</param>
internal sealed record DemoSchedule(int Rates, long Steps, TimeSpan Compression)
{
    // Of the training's time: for checkpoints, samples, and a machine that slows down.
    private const double Reserve = 0.15;

    // An evaluation reads as many batches as DemoPlan says, forward alone, which is a third of a step.
    private const double EvaluationSteps = (DemoPlan.Evaluations + 1) * DemoPlan.EvalBatches / 3.0;

    private const long FewestSteps = 20;

    // Of the time, what compression takes where there is plenty, and where there is little.
    private const double CompressionShare = 0.45, LeastCompressionShare = 0.2;

    /// <summary>The most that compression takes: recovery for more than a minute or two gains little.</summary>
    public static TimeSpan MostCompression { get; } = TimeSpan.FromMinutes(4);

    /// <summary>Whether the runs are long enough to compare the variants.</summary>
    public bool Compares => Steps >= ComparisonVerdict.LeastSteps;

    /// <summary>
    /// The plan: both learning rates where the runs can be long enough to compare, one where they cannot, and less time
    /// for compression before that. Where nothing is enough the runs are as long as they can be, and name no winner.
    /// </summary>
    /// <param name="roundSeconds">Seconds that a step of every variant takes, one after another.</param>
    /// <param name="left">The time there is.</param>
    public static DemoSchedule Of(double roundSeconds, TimeSpan left)
    {
        DemoSchedule[] plans = [.. new[] { DemoPlan.LearningRates.Count, 1 }.SelectMany(
            rates => new[] { CompressionShare, LeastCompressionShare }.Select(share => With(rates, share)))];
        return plans.FirstOrDefault(p => p.Compares) ?? plans[^2];

        DemoSchedule With(int rates, double share)
        {
            var compression = left * share < MostCompression ? left * share : MostCompression;
            var steps = ((left - compression).TotalSeconds * (1 - Reserve) / (roundSeconds * rates)) - EvaluationSteps;
            return new DemoSchedule(rates, Math.Max(FewestSteps, (long)steps), compression);
        }
    }

    /// <summary>The time that runs of one learning rate need to be long enough to compare the variants.</summary>
    /// <param name="roundSeconds">Seconds that a step of every variant takes, one after another.</param>
    public static TimeSpan Needed(double roundSeconds) =>
        TimeSpan.FromSeconds((ComparisonVerdict.LeastSteps + EvaluationSteps + 1) * roundSeconds / (1 - Reserve)
            / (1 - LeastCompressionShare));

    /// <summary>Whether the runs of another learning rate still fit, with a little for compression.</summary>
    /// <param name="lastRate">What those of the last one took.</param>
    /// <param name="left">The time there is.</param>
    public static bool HasRoom(TimeSpan lastRate, TimeSpan left) => lastRate <= left * (1 - LeastCompressionShare);
}
