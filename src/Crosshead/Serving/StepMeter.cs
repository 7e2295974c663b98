namespace Crosshead.Serving;

/// <summary>
/// How long steps take, and from that how many tokens of prompts a step may compute beside the sequences that decode:
/// they shall not wait much longer than without them.
/// <para>
/// Prompts add a + b·n seconds to a step with n of their tokens. A token takes the longer the more tokens are before
/// it, so only the last step counts. How much of its time is fixed shows when a step has half or twice as many tokens
/// as the step before it. Until the next time a is believed less and less.
/// </para>
/// </summary>
/// <param name="options">The limits.</param>
internal sealed class StepMeter(EngineOptions options)
{
    private const double Weight = 0.2;           // of a new measurement
    private const double MostGrowth = 2;         // of what a step takes: a single slow one is an accident
    private const double LeastSeconds = 0.002;   // prompts may take this long of a step in any case
    private const double MostFixed = 0.75;       // of a step's time: noise promises no more
    private const double Doubt = 0.9;            // of the fixed time from step to step
    private const double Different = 2;          // ratio of tokens that shows what is fixed
    private const double Caution = 0.5;          // after a step of prompts alone, which may have been shorter ones
    private const int MostCrawls = 4;            // steps with the fewest tokens, before more are tried
    private const double Far = 1.25;             // between numbers of sequences that decode
    private const int MostWithPrompts = 8;       // steps before decoding is measured alone, if it is far from known
    private double _decodeSeconds, _rate;
    private int _decodes, _withPrompts;          // sequences of the last step without prompts, and steps since then
    private bool _isLimited;                     // whether more waits than the step has of prompts
    private double _fixed;                       // a
    private int _tokens, _crawls;                // n of the last step
    private double _seconds;                     // a + b·n of the last step
    private bool _alone;                         // whether nothing decoded in it

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
        // Prompts in every step would leave unknown what those that decode take by now.
        if (_withPrompts >= MostWithPrompts && IsFar(decoding)) return 0;
        var grains = Math.Clamp(Affordable() * Math.Max(1, (double)waiting / decoding) / options.PrefillGrain, 1,
            1 + (room / options.PrefillGrain));
        _isLimited = waiting > (int)grains;
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
            _decodeSeconds = IsFar(plan.Decodes) ? seconds
                : Mean(_decodeSeconds, Math.Min(seconds, MostGrowth * _decodeSeconds));
            (_decodes, _withPrompts) = (plan.Decodes, 0);
            return;
        }
        _withPrompts++;
        // The last piece of a prompt tells little. Short prompts tell enough if more would follow.
        if (prompts < Math.Min(options.PrefillGrain, options.MaxStepTokens) && !_isLimited) return;
        // No step computes a prompt in no time: a small part of it at least is not the decoding.
        var own = Math.Max(plan.Decodes == 0 ? seconds : Math.Max(seconds - _decodeSeconds, seconds / 10), 1e-9);
        var ratio = _tokens == 0 ? 1 : (double)prompts / _tokens;
        _fixed = ratio is >= Different or <= 1 / Different
            ? own - ((own - _seconds) / (prompts - _tokens) * prompts) : Doubt * _fixed;
        _fixed = Math.Clamp(_fixed, 0, MostFixed * own);
        (_tokens, _seconds, _alone) = (prompts, own, plan.Decodes == 0);
        _crawls = prompts <= options.PrefillGrain ? _crawls + 1 : 0;
        Volatile.Write(ref _rate, Mean(_rate, prompts / own));
    }

    // Tokens whose time is the target's.
    private double Affordable()
    {
        if (_tokens == 0) return 0;
        // The fewest tokens take too long all the time: whether a or b is the reason, more of them will show.
        if (_crawls == MostCrawls) return 2 * options.PrefillGrain;
        var target = Math.Max(LeastSeconds, (options.StepTarget - 1) * _decodeSeconds);
        // If the fixed time alone takes the target, fewer tokens would hardly help: the tokens may take as long again.
        return Math.Max(target - _fixed, _fixed) / (_seconds - _fixed) * _tokens * (_alone ? Caution : 1);
    }

    private bool IsFar(int decoding) => decoding > Far * _decodes || decoding * Far < _decodes;

    private static double Mean(double before, double now) => before == 0 ? now : before + (Weight * (now - before));
}
