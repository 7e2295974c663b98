namespace Crosshead.Serving;

/// <summary>
/// How long steps take, and from that how many tokens of prompts a step may compute beside the sequences that decode:
/// they shall not wait much longer than without them.
/// </summary>
/// <param name="options">The limits.</param>
internal sealed class StepMeter(EngineOptions options)
{
    private const double Weight = 0.2;           // of a new measurement
    private const double RiseWeight = 0.5;       // of a higher rate: short prompts say little about the rate
    private const double LeastSeconds = 0.004;   // prompts may take this long of a step in any case
    private double _decodeSeconds, _rate;

    /// <summary>Prompt tokens computed per second; 0 before the first.</summary>
    public double Rate => Volatile.Read(ref _rate);

    /// <summary>Prompt tokens that a step may compute.</summary>
    /// <param name="decoding">Sequences that decode in the step.</param>
    /// <param name="waiting">Sequences that wait, or whose prompt is being computed.</param>
    public int Budget(int decoding, int waiting)
    {
        if (decoding == 0) return options.MaxStepTokens;
        var room = Math.Max(0, options.MaxStepTokens - decoding);
        var tokens = _rate * Math.Max(LeastSeconds, (options.StepTarget - 1) * _decodeSeconds)
            * Math.Max(1, (double)waiting / decoding);
        var grain = options.PrefillGrain;
        return Math.Min(room, (int)Math.Clamp(tokens / grain, 1, 1 + (room / grain)) * grain);
    }

    /// <summary>Takes the time of a step into account.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="seconds">How long it took.</param>
    public void Add(StepPlan plan, double seconds)
    {
        var prompts = plan.Tokens - plan.Decodes;
        if (prompts == 0) _decodeSeconds = Mean(_decodeSeconds, seconds, Weight);
        else if (prompts >= Math.Min(options.PrefillGrain, options.MaxStepTokens))
        {
            var own = plan.Decodes == 0 ? seconds : seconds - _decodeSeconds;
            // No step computes a prompt in no time: half of it at least is not the decoding.
            var rate = prompts / Math.Max(Math.Max(own, seconds / 2), 1e-9);
            Volatile.Write(ref _rate, Mean(_rate, rate, rate > _rate ? RiseWeight : Weight));
        }
    }

    private static double Mean(double before, double now, double weight) =>
        before == 0 ? now : before + (weight * (now - before));
}
