using Crosshead.Training.Recipes;

namespace Crosshead.Training.Steps;

/// <summary>The learning rate as a function of the step only, so a resumed run needs no state for it.</summary>
/// <param name="Options">The course.</param>
/// <param name="Peak">The rate after the warm-up.</param>
/// <param name="Steps">Steps of the whole run.</param>
public sealed record Schedule(ScheduleOptions Options, double Peak, long Steps)
{
    /// <summary>The rate of a step, counted from 1; the last step has the final fraction of the peak.</summary>
    public double RateAt(long step)
    {
        var warmup = Options.WarmupSteps;
        if (step <= warmup) return Peak * step / warmup;
        return Peak * Options.Kind switch
        {
            ScheduleKind.Cosine => Options.FinalFraction
                + ((1 - Options.FinalFraction) * 0.5 * (1 + Math.Cos(Math.PI * Progress(step, warmup)))),
            ScheduleKind.Wsd =>
                1 - ((1 - Options.FinalFraction) * Progress(step, Math.Max(warmup, Steps - DecaySteps))),
            _ => 1,
        };
    }

    private long DecaySteps => (long)Math.Round(Options.DecayFraction * Steps);

    // 0 up to the step `start`, 1 at the last step.
    private double Progress(long step, long start) =>
        Steps <= start ? 0 : Math.Clamp((double)(step - start) / (Steps - start), 0, 1);
}
