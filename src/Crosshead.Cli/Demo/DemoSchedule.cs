using Crosshead.Reports;

namespace Crosshead.Cli.Demo;

/// <summary>How the demo spends its time; the plan follows from the measured speed.</summary>
/// <param name="Rates">Number of learning rates to try, from the first.</param>
/// <param name="Steps">Optimizer steps per run.</param>
/// <param name="Compression">Time for halving the caches and for recovery.</param>
internal sealed record DemoSchedule(int Rates, long Steps, TimeSpan Compression)
{
    // Share of the training time kept for checkpoints, samples, and a machine that slows down.
    private const double Reserve = 0.15;

    // Cost of a run's evaluations in steps. Evaluation of a batch is a forward pass only, a third of a step.
    private const double EvaluationSteps = (DemoPlan.Evaluations + 1) * DemoPlan.EvalBatches / 3.0;

    private const long FewestSteps = 20;

    // Shares of the time for compression: with plenty of time, and with little.
    private const double CompressionShare = 0.45, LeastCompressionShare = 0.2;

    /// <summary>The most time for compression; recovery for more than a minute or two gains little.</summary>
    public static TimeSpan MostCompression { get; } = TimeSpan.FromMinutes(4);

    /// <summary>Whether the runs are long enough to compare the variants.</summary>
    public bool Compares => Steps >= ComparisonVerdict.LeastSteps;

    /// <summary>
    /// Returns the first of four plans whose runs are long enough to compare the variants: both learning rates, both
    /// rates with less time for compression, one rate, one rate with less time for compression. If no plan is enough,
    /// the runs use one rate and are as long as possible, and the demo names no winner.
    /// </summary>
    /// <param name="roundSeconds">Seconds for a step of every variant, one after another.</param>
    /// <param name="left">The time left.</param>
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

    /// <summary>The time left that a comparison at one learning rate needs, compression included.</summary>
    /// <param name="roundSeconds">Seconds for a step of every variant, one after another.</param>
    public static TimeSpan Needed(double roundSeconds) =>
        TimeSpan.FromSeconds((ComparisonVerdict.LeastSteps + EvaluationSteps + 1) * roundSeconds / (1 - Reserve)
            / (1 - LeastCompressionShare));

    /// <summary>Whether the runs of another learning rate still fit, with a little time for compression.</summary>
    /// <param name="lastRate">Time that the runs of the last rate took.</param>
    /// <param name="left">The time left.</param>
    public static bool HasRoom(TimeSpan lastRate, TimeSpan left) => lastRate <= left * (1 - LeastCompressionShare);
}
