using Crosshead.Training.Recipes;

namespace Crosshead.Training.Runs;

/// <summary>
/// Finds spikes of the training loss. The loss is averaged over a window (exponentially); the baseline is the lowest
/// average so far. A step is a spike when its loss exceeds the baseline by <see cref="SpikeOptions.Rise"/> nats and by
/// <see cref="SpikeOptions.Deviations"/> standard deviations. The spike lasts until a loss is back below that
/// threshold; one that lasts longer than <see cref="SpikeOptions.Patience"/> steps has not recovered. Losses within a
/// spike are not averaged. Because the baseline never rises, a slow divergence is found too.
/// </summary>
public sealed class SpikeDetector
{
    private readonly SpikeOptions _options;

    /// <summary>Creates the detector, new or from a checkpoint.</summary>
    public SpikeDetector(SpikeOptions options, SpikeState? state = null) =>
        (_options, State) = (options, state ?? new SpikeState(0, 0, 0, 0, null));

    /// <summary>All that is remembered.</summary>
    public SpikeState State { get; private set; }

    /// <summary>Whether the last step was within a spike.</summary>
    public bool InSpike => State.Began is not null;

    /// <summary>The loss above which a step counts as a spike; infinite while the window fills.</summary>
    public double Threshold => State.Steps < _options.Window
        ? double.PositiveInfinity
        : State.Baseline + Math.Max(_options.Rise, _options.Deviations * Math.Sqrt(State.Variance));

    /// <summary>Takes in the finite loss of a step.</summary>
    /// <returns>Whether the step is a spike.</returns>
    public bool Add(long step, double loss)
    {
        if (loss > Threshold)
        {
            State = State with { Began = State.Began ?? step };
            return true;
        }
        // An exponential average with the weight of a plain one while the window fills.
        var count = State.Steps + 1;
        var weight = 1.0 / Math.Min(count, _options.Window);
        var difference = loss - State.Mean;
        var mean = State.Mean + (weight * difference);
        var variance = (1 - weight) * (State.Variance + (weight * difference * difference));
        var baseline = count <= _options.Window ? mean : Math.Min(State.Baseline, mean);
        State = new SpikeState(count, mean, variance, baseline, null);
        return false;
    }

    /// <summary>Whether the present spike has lasted longer than the patience.</summary>
    public bool Unrecovered(long step) => State.Began is { } began && step - began >= _options.Patience;
}
