namespace Crosshead.Serving;

/// <summary>
/// How long steps take, and from that how many tokens of prompts a step may compute beside the sequences that decode:
/// they shall not wait much longer than without them.
/// <para>
/// Prompts add a + b·n seconds to a step with n of their tokens. Both change: a token takes the longer the more tokens
/// are before it. So b is the slope between the last step and one with many fewer or many more tokens, and the last
/// step counts alone for the rest.
/// </para>
/// </summary>
/// <param name="options">The limits.</param>
internal sealed class StepMeter(EngineOptions options)
{
    private const double Weight = 0.2;           // of a new measurement
    private const double LeastSeconds = 0.003;   // prompts may take this long of a step in any case
    private const double LeastSlope = 0.25;      // of the mean time per token: noise promises no more
    private const double Forgetting = 1.02;      // of the least that few tokens took, a step
    private readonly int _few = 2 * options.PrefillGrain;
    private double _decodeSeconds, _rate;
    private Measure _last, _leastFew, _lastMany; // of few tokens of prompts, and of more

    /// <summary>Prompt tokens computed per second; 0 before the first.</summary>
    public double Rate => Volatile.Read(ref _rate);

    /// <summary>Prompt tokens that a step may compute.</summary>
    /// <param name="decoding">Sequences that decode in the step.</param>
    /// <param name="waiting">Sequences that wait, or whose prompt is being computed.</param>
    public int Budget(int decoding, int waiting)
    {
        if (decoding == 0) return options.MaxStepTokens;
        var room = Math.Max(0, options.MaxStepTokens - decoding);
        if (double.IsPositiveInfinity(options.StepTarget)) return room;
        var grains = Math.Clamp(Affordable() * Math.Max(1, (double)waiting / decoding) / options.PrefillGrain, 1,
            1 + (room / options.PrefillGrain));
        return Math.Min(room, (int)grains * options.PrefillGrain);
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
        _last = new Measure(prompts, Math.Max(own, 1e-9));
        // Few tokens may take long for other reasons, which must not count as fixed time.
        _leastFew = _leastFew with { Seconds = _leastFew.Seconds * Forgetting };
        if (prompts > _few) _lastMany = _last;
        else if (_leastFew.Tokens == 0 || _last.Seconds < _leastFew.Seconds) _leastFew = _last;
        Volatile.Write(ref _rate, Mean(_rate, prompts / _last.Seconds));
    }

    // Tokens whose time is the target's.
    private double Affordable()
    {
        if (_last.Tokens == 0) return 0;
        var target = Math.Max(LeastSeconds, (options.StepTarget - 1) * _decodeSeconds);
        var other = _last.Tokens <= _few ? _lastMany : _leastFew;
        // Few tokens take too long: whether a or b is the reason, more of them will show.
        if (other.Tokens == 0 && _last.Tokens <= _few && _last.Seconds > target) return _few + options.PrefillGrain;
        var mean = _last.Seconds / _last.Tokens;
        var slope = other.Tokens == 0 ? mean
            : (_last.Seconds - other.Seconds) / (_last.Tokens - other.Tokens);
        slope = Math.Clamp(slope, LeastSlope * mean, mean);
        var fixedSeconds = _last.Seconds - (slope * _last.Tokens);
        // If the fixed time alone takes the target, fewer tokens would hardly help: the tokens may take as long again.
        return Math.Max(target - fixedSeconds, fixedSeconds) / slope;
    }

    private static double Mean(double before, double now) => before == 0 ? now : before + (Weight * (now - before));

    // What prompts added to a step.
    private readonly record struct Measure(int Tokens, double Seconds);
}
