using Crosshead.Decoding;
using Crosshead.Serving;

namespace Crosshead.Tests.Serving;

/// <summary>How many prompt tokens steps get, on devices whose times follow formulas.</summary>
public sealed class StepMeterTests
{
    private const double Decode = 0.0015;

    [Theory]
    [InlineData(0, 4e-6, 0.7e-9)]    // a token costs seven times as much at the end of the prompt as at its beginning
    [InlineData(0.001, 4e-6, 0.7e-9)]
    [InlineData(0.0002, 4e-6, 1.5e-9)]
    public void Steps_stay_near_the_target_while_a_prompt_gets_longer(double fixedSeconds, double perToken,
        double perPair)
    {
        var options = new EngineOptions { MaxStepTokens = 8192 };
        var meter = new StepMeter(options);
        for (var i = 0; i < 20; i++) meter.Add(Plan(31, 0), Decode);
        // earlier steps, of which one was held up
        foreach (var slow in new[] { 0, 0.05, 0 })
            meter.Add(Plan(31, 40), Decode + fixedSeconds + (40 * perToken) + slow);
        var (before, steps) = (0, new List<double>());
        while (before < 32_768)
        {
            var count = Math.Min(meter.Budget(decoding: 31, waiting: 1).Tokens, 32_768 - before);
            Assert.True(count > 0);
            var own = fixedSeconds + (count * (perToken + (perPair * before)));
            meter.Add(Plan(31, count), Decode + own);
            before += count;
            steps.Add((Decode + own) / Decode);
        }
        Assert.InRange(steps.Max(), 1, 1.25 * options.StepTarget);
        // and once it is known, the time is used
        Assert.InRange(steps.Skip(5).SkipLast(1).Average(), 0.7 * options.StepTarget, options.StepTarget * 1.05);
    }

    [Theory]
    [InlineData(0, 0.35)]    // what the cost says is right
    [InlineData(0.15, 0.35)] // reading takes so much longer or shorter than it says
    [InlineData(-0.3, 0.35)]
    [InlineData(0, -0.4)]    // and attention
    public void A_long_prompt_that_is_costly_to_read_holds_no_step_up_for_long(double reading, double attention)
    {
        const double perToken = 5e-6;
        var options = new EngineOptions { MaxStepTokens = 8192 };
        var cost = new PromptCost(1.9e-4, 0.015);
        var (meter, shares) = (new StepMeter(options), new PrefillShares(options, cost));
        for (var i = 0; i < 20; i++) meter.Add(Plan(31, 0), Decode);
        var sequence = Waiting(32_769);
        var (random, steps) = (new Random(1), new List<double>());
        while (sequence.Left > 1)
        {
            var plan = Plan(31, 0);
            shares.Add([sequence], meter.Budget(decoding: 31, waiting: 1), plan);
            var count = plan.Tokens - 31;
            Assert.True(count > 0);
            var own = perToken * ((cost.Reading(sequence.Computed) * (1 + reading))
                + (count * (1 + (cost.PerSeen * (1 + attention) * sequence.Computed))));
            var seconds = (Decode + own) * (1 + (random.NextDouble() * 0.1));
            meter.Add(plan, seconds);
            Scheduler.Commit(sequence, count);
            steps.Add(seconds / Decode);
        }
        Assert.InRange(steps.Max(), 1, 4);
        Assert.InRange(steps.Average(), 2, options.StepTarget * 1.3); // and the time is used
    }

    [Fact]
    public void Without_a_target_steps_are_full_whatever_time_they_take()
    {
        var meter = new StepMeter(new EngineOptions { MaxStepTokens = 300, StepTarget = double.PositiveInfinity });
        foreach (var seconds in new[] { 0.001, 9 })
        {
            Assert.Equal([269, 300, 0], new[] { 31, 0, 300 }.Select(decoding => meter.Budget(decoding, 1).Tokens));
            meter.Add(Plan(31, 200), seconds);
            meter.Add(Plan(31, 0), 0.001);
        }
    }

    [Fact]
    public void The_first_step_beside_others_is_cautious_after_short_prompts_alone()
    {
        var meter = new StepMeter(new EngineOptions { MaxStepTokens = 8192 });
        meter.Add(Plan(31, 0), Decode);
        meter.Add(Plan(0, 8000), 8000 * 5e-6);
        // 450 tokens would take the target if they cost as much as the short prompts'
        Assert.InRange(meter.Budget(decoding: 31, waiting: 1).Tokens, 190, 240);
    }

    [Fact]
    public void Short_prompts_start_together_however_long_the_first_step_took()
    {
        var options = new EngineOptions { MaxStepTokens = 8192 };
        var (meter, shares) = (new StepMeter(options), new PrefillShares(options, default));
        meter.Add(Plan(0, 3), 5);
        var plan = Plan(1, 0);
        shares.Add([Waiting(4), Waiting(4), Waiting(4), Waiting(4)], meter.Budget(decoding: 1, waiting: 4), plan);
        Assert.Equal([1, 4, 4, 4, 4], plan.Runs.Select(run => run.Count));
    }

    [Fact]
    public void A_step_that_was_held_up_hardly_changes_how_much_is_computed()
    {
        var meter = new StepMeter(new EngineOptions { MaxStepTokens = 8192 });
        for (var i = 0; i < 20; i++) meter.Add(Plan(31, 0), Decode);
        meter.Add(Plan(31, 400), Decode + (400 * 5e-6));
        var before = meter.Budget(decoding: 31, waiting: 1).Tokens;
        meter.Add(Plan(31, 0), 0.1); // the collection of garbage, say
        Assert.InRange(meter.Budget(decoding: 31, waiting: 1).Tokens, before, 1.3 * before);
    }

    private static StepPlan Plan(int decoding, int prompt)
    {
        var plan = new StepPlan();
        for (var i = 0; i < decoding; i++) plan.Add(Waiting(1), 1);
        if (prompt > 0) plan.Add(Waiting(prompt + 1), prompt, cost: default);
        return plan;
    }

    private static Sequence Waiting(int tokens) => new([.. Enumerable.Repeat(1, tokens)], tokens + 1, 64, salt: null);
}
