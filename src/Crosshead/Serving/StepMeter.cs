namespace Crosshead.Serving;

/// <summary>
/// How long steps take, and from that how many tokens of prompts a step may compute beside the sequences that decode:
/// they shall not wait much longer than without them.
/// <para>
/// Prompts add a + b·n seconds to a step, where n is what their tokens cost (<see cref="Decoding.PromptCost"/>). That
/// is only about right, so only the last step counts. How much of its time is fixed shows when a step costs half or
/// twice as much as the step before it. Until the next time a is believed less and less.
/// </para>
/// <para>
/// Where the fixed time takes the target, tokens may take as long again, but a step takes a little more than the target
/// at most: what the next step costs is limited as if all of the last step's time were its tokens'. Only if no number
/// of tokens keeps a step short, it is as long as it pays.
/// </para>
/// </summary>
/// <param name="options">The limits.</param>
internal sealed class StepMeter(EngineOptions options)
{
    private const double Weight = 0.2;           // of a new measurement
    private const double MostGrowth = 2;         // of what a step takes: a single slow one is an accident
    private const double Ramp = 2;               // times the last step's cost: more was not tried
    private const double LeastSeconds = 0.002;   // prompts may take this long of a step in any case
    private const double MostFixed = 0.75;       // of a step's time: noise promises no more
    private const double Doubt = 0.9;            // of the fixed time from step to step
    private const double Different = 2;          // ratio of costs that shows what is fixed
    private const double Overrun = 1.25;         // times the target: most of a step,
    private const double Hopeless = 1.6;         // unless what is fixed takes so many times the target alone
    private const double Caution = 0.5;          // after a step of prompts alone, which may have been shorter ones
    private const int MostCrawls = 4;            // steps with the fewest tokens, before more are tried
    private const double Far = 1.25;             // between numbers of sequences that decode
    private const int MostWithPrompts = 8;       // steps before decoding is measured alone, if it is far from known
    private double _decodeSeconds, _rate;
    private int _decodes, _withPrompts;          // sequences of the last step without prompts, and steps since then
    private bool _isLimited;                     // whether more waits than the step has of prompts
    private double _fixed;                       // a
    private double _work, _reading;              // n of the last step, and what of it its tokens do not change
    private int _crawls;
    private double _seconds;                     // a + b·n of the last step
    private bool _alone;                         // whether nothing decoded in it

    /// <summary>Prompt tokens computed per second; 0 before the first.</summary>
    public double Rate => Volatile.Read(ref _rate);

    /// <summary>What a step may compute of prompts.</summary>
    /// <param name="decoding">Sequences that decode in the step.</param>
    /// <param name="waiting">Sequences that wait, or whose prompt is being computed.</param>
    public PromptBudget Budget(int decoding, int waiting)
    {
        if (decoding == 0) return PromptBudget.Of(options.MaxStepTokens);
        var room = Math.Max(0, options.MaxStepTokens - decoding);
        if (double.IsPositiveInfinity(options.StepTarget)) return PromptBudget.Of(room);
        // Prompts in every step would leave unknown what those that decode take by now.
        if (_withPrompts >= MostWithPrompts && IsFar(decoding)) return PromptBudget.Of(0);
        var several = Math.Max(1, (double)waiting / decoding);
        var (usual, most) = Affordable();
        var grains = Math.Clamp(usual * several / options.PrefillGrain, 1, 1 + (room / options.PrefillGrain));
        _isLimited = waiting > (int)grains;
        // One grain is always given, to one prompt or to several short ones.
        return new PromptBudget(Math.Min(room, (int)grains * options.PrefillGrain),
            Math.Max(usual * several, options.PrefillGrain), Math.Max(most * several, options.PrefillGrain));
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
        var (work, ratio) = (plan.PromptWork, _work == 0 ? 1 : plan.PromptWork / _work);
        _fixed = ratio is >= Different or <= 1 / Different
            ? own - ((own - _seconds) / (work - _work) * work) : Doubt * _fixed;
        _fixed = Math.Clamp(_fixed, 0, MostFixed * own);
        (_work, _reading, _seconds, _alone) = (work, plan.ReadingWork, own, plan.Decodes == 0);
        _crawls = prompts <= options.PrefillGrain ? _crawls + 1 : 0;
        Volatile.Write(ref _rate, Mean(_rate, prompts / own));
    }

    // What takes the target's time, and what takes the most.
    private (double Usual, double Most) Affordable()
    {
        if (_work == 0) return (0, 0);
        var target = Math.Max(LeastSeconds, (options.StepTarget - 1) * _decodeSeconds);
        double Times(double factor) => Math.Max(target, ((factor * options.StepTarget) - 1) * _decodeSeconds);
        var caution = _alone ? Caution : 1;
        var least = Math.Max(_fixed, _seconds * Math.Max(_reading / _work, _crawls > 0 ? MostFixed : 0));
        var most = least >= Times(Hopeless) ? double.PositiveInfinity : Times(Overrun) / _seconds * _work * caution;
        // The fewest tokens take too long all the time: whether a or b is the reason, more of them will show.
        // And if the fixed time alone takes the target, fewer tokens would hardly help: they may take as long again.
        var usual = _crawls == MostCrawls ? most
            : Math.Max(target - _fixed, _fixed) / (_seconds - _fixed) * _work * caution;
        return (Math.Min(Math.Min(usual, most), Ramp * _work), most);
    }

    private bool IsFar(int decoding) => decoding > Far * _decodes || decoding * Far < _decodes;

    private static double Mean(double before, double now) => before == 0 ? now : before + (Weight * (now - before));
}
