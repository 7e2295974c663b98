using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using CsCheck;

namespace Crosshead.Tests.Training.Steps;

public sealed class ScheduleTests
{
    [Fact]
    public void Warm_up_rises_linearly_to_the_peak_from_the_first_step()
    {
        var schedule = Of(ScheduleKind.Cosine, warmup: 4, steps: 100);
        Assert.Equal([0.25, 0.5, 0.75, 1.0], Enumerable.Range(1, 4).Select(s => schedule.RateAt(s)));
    }

    [Fact]
    public void Cosine_is_half_way_down_in_the_middle_and_at_a_tenth_at_the_end()
    {
        var schedule = Of(ScheduleKind.Cosine, warmup: 10, steps: 110);
        Assert.Equal(0.55, schedule.RateAt(60), 12);
        Assert.Equal(0.1, schedule.RateAt(110), 12);
    }

    [Fact]
    public void Constant_stays_at_the_peak() =>
        Assert.Equal(1.0, Of(ScheduleKind.Constant, warmup: 10, steps: 100).RateAt(100));

    [Fact]
    public void Stable_decay_stays_until_its_last_part_and_falls_linearly_through_it()
    {
        var schedule = Of(ScheduleKind.Wsd, warmup: 10, steps: 100); // decays over the last 20 steps
        Assert.Equal(1.0, schedule.RateAt(80), 12);
        Assert.Equal(0.55, schedule.RateAt(90), 12);
        Assert.Equal(0.1, schedule.RateAt(100), 12);
    }

    [Fact]
    public void Every_schedule_stays_between_its_ends_and_never_rises_after_the_warm_up() =>
        Gen.Select(Gen.Enum<ScheduleKind>(), Gen.Int[0, 50], Gen.Int[51, 300], Gen.Double[0, 1], Gen.Double[0, 1])
        .Sample((kind, warmup, steps, decay, final) =>
        {
            var options =
                new ScheduleOptions { Kind = kind, WarmupSteps = warmup, DecayFraction = decay, FinalFraction = final };
            var rates = Enumerable.Range(1, steps).Select(s => new Schedule(options, 2, steps).RateAt(s)).ToArray();
            Assert.All(rates, r => Assert.InRange(r, 0, 2.0000001));
            Assert.All(rates.Zip(rates.Skip(1)).Skip(Math.Max(0, warmup - 1)),
                p => Assert.True(p.Second <= p.First + 1e-12));
            Assert.True(rates[^1] >= (2 * final) - 1e-12);
        }, iter: 200);

    private static Schedule Of(ScheduleKind kind, int warmup, long steps) =>
        new(new ScheduleOptions { Kind = kind, WarmupSteps = warmup }, 1, steps);
}
