namespace Crosshead.Serving;

/// <summary>
/// How long steps take, and from that how many tokens of prompts a step may compute beside the sequences that decode:
/// they shall not wait much longer than without them. Prompts add a fixed time a and a time b per token to a step; both
/// are fitted to the last steps.
/// </summary>
/// <param name="options">The limits.</param>
internal sealed class StepMeter(EngineOptions options)
{
    private const double Weight = 0.2;           // of a new measurement
    private const double Memory = 0.9;           // weight of a step's time when the next one is measured
    private const double LeastSeconds = 0.004;   // prompts may take this long of a step in any case
    private double _decodeSeconds, _rate;
    private double _count, _x, _y, _xx, _xy;     // sums over steps: tokens of prompts x, and the seconds they added y

    /// <summary>Prompt tokens computed per second; 0 before the first.</summary>
    public double Rate => Volatile.Read(ref _rate);

    /// <summary>Prompt tokens that a step may compute.</summary>
    /// <param name="decoding">Sequences that decode in the step.</param>
    /// <param name="waiting">Sequences that wait, or whose prompt is being computed.</param>
    public int Budget(int decoding, int waiting)
    {
        if (decoding == 0) return options.MaxStepTokens;
        var room = Math.Max(0, options.MaxStepTokens - decoding);
        var (fixedSeconds, perToken) = Fit();
        var target = Math.Max(LeastSeconds, (options.StepTarget - 1) * _decodeSeconds);
        // If the fixed time alone takes the target, fewer tokens would hardly help: the tokens may take as long again.
        var tokens = perToken == 0 ? 0 : Math.Max(target - fixedSeconds, fixedSeconds) / perToken
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
        if (prompts == 0)
        {
            _decodeSeconds = Mean(_decodeSeconds, seconds);
            return;
        }
        if (prompts < Math.Min(options.PrefillGrain, options.MaxStepTokens)) return;
        // No step computes a prompt in no time: a small part of it at least is not the decoding.
        var own = plan.Decodes == 0 ? seconds : Math.Max(seconds - _decodeSeconds, seconds / 10);
        _count = (Memory * _count) + 1;
        _x = (Memory * _x) + prompts;
        _y = (Memory * _y) + own;
        _xx = (Memory * _xx) + ((double)prompts * prompts);
        _xy = (Memory * _xy) + (prompts * own);
        Volatile.Write(ref _rate, Mean(_rate, prompts / Math.Max(own, 1e-9)));
    }

    // The least squares of own = a + b · tokens; b is at least a quarter of the mean time per token, so that noise
    // between steps of similar size does not promise more than has been seen.
    private (double Fixed, double PerToken) Fit()
    {
        if (_x == 0) return (0, 0);
        var mean = _y / _x;
        var spread = (_count * _xx) - (_x * _x);
        var slope = spread > 0.01 * _x * _x ? ((_count * _xy) - (_x * _y)) / spread : mean;
        slope = Math.Clamp(slope, mean / 4, mean);
        return (Math.Max(0, (_y - (slope * _x)) / _count), slope);
    }

    private static double Mean(double before, double now) => before == 0 ? now : before + (Weight * (now - before));
}
