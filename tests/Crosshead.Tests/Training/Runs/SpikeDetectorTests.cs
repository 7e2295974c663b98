using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;

namespace Crosshead.Tests.Training.Runs;

public sealed class SpikeDetectorTests
{
    private static readonly SpikeOptions Options = new() { Window = 10, Rise = 0.5, Deviations = 6, Patience = 5 };

    [Fact]
    public void A_falling_noisy_loss_has_no_spikes() =>
        Assert.DoesNotContain(true,
            Feed(new SpikeDetector(Options), Noisy(200, s => 4 + (4 * Math.Exp(-s / 40.0)), 0.15)));

    [Fact]
    public void A_jump_is_a_spike_until_the_loss_is_back()
    {
        var detector = Steady();
        Assert.True(detector.Add(101, 3.0));
        Assert.True(detector.InSpike);
        Assert.True(detector.Add(102, 2.8));
        Assert.False(detector.Add(103, 2.02));
        Assert.False(detector.InSpike);
    }

    [Fact]
    public void A_spike_has_not_recovered_after_its_patience()
    {
        var detector = Steady();
        for (var step = 101; step <= 105; step++)
        {
            detector.Add(step, 3);
            Assert.False(detector.Unrecovered(step));
        }
        detector.Add(106, 3);
        Assert.True(detector.Unrecovered(106));
    }

    [Fact]
    public void Slow_divergence_is_found() =>
        Assert.Contains(true, Feed(Steady(), Enumerable.Range(1, 300).Select(i => 2 + (0.01 * i)), 100));

    [Fact]
    public void Nothing_is_a_spike_while_the_window_fills() =>
        Assert.DoesNotContain(true, Feed(new SpikeDetector(Options), [1, 9, 1, 9, 1, 9, 1, 9, 1, 9]));

    [Fact]
    public void A_detector_goes_on_from_its_state()
    {
        var (straight, first) = (Steady(), Steady());
        var resumed = new SpikeDetector(Options, first.State);
        double[] losses = [2.1, 3, 3, 2.0, 1.9];
        Assert.Equal(Feed(straight, losses, 100), Feed(resumed, losses, 100));
        Assert.Equal(straight.State, resumed.State);
    }

    private static SpikeDetector Steady()
    {
        var detector = new SpikeDetector(Options);
        Feed(detector, Noisy(100, _ => 2, 0.03));
        return detector;
    }

    private static bool[] Feed(SpikeDetector detector, IEnumerable<double> losses, long start = 0) =>
        [.. losses.Select(l => detector.Add(++start, l))];

    private static IEnumerable<double> Noisy(int count, Func<int, double> mean, double noise)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(s => mean(s) + (noise * ((2 * random.NextDouble()) - 1)))];
    }
}
