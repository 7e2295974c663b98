using Crosshead.Training.Studies;

namespace Crosshead.Tests.Training.Studies;

/// <summary>
/// Curves of known parameters: the fit finds them, says how sure it is, and refuses what is no power law.
/// </summary>
public sealed class PowerLawFitTests
{
    private const int Points = 60;
    private const double Warmup = 1e6;

    [Theory]
    [InlineData(0.2, 3e5, 2.5)]
    [InlineData(0.35, 2e6, 1.6)]
    [InlineData(0.5, 1e6, 3.1)]
    [InlineData(0.8, 5e6, 0.7)]
    [InlineData(1.4, 3e6, 4)]
    public void Without_noise_every_parameter_is_found(double alpha, double scale, double floor)
    {
        var fit = Fit(Curve(alpha, scale, floor));
        Close(alpha, fit.Alpha.Value, 1e-4);
        Close(scale, fit.DataScale.Value, 1e-4);
        Close(floor, fit.Floor.Value, 1e-4);
        Assert.Equal(Points, fit.Used.Count);
    }

    [Theory]
    [InlineData(0.35, 2e6, 1.6, 2e-4)]
    [InlineData(0.5, 1e6, 3.1, 5e-4)]
    [InlineData(0.8, 5e6, 0.7, 2e-3)]
    [InlineData(1.4, 3e6, 4, 5e-4)]
    public void With_noise_every_parameter_is_found_within_two_percent(double alpha, double scale,
        double floor, double noise)
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            var fit = Fit(Curve(alpha, scale, floor, noise, seed));
            Close(alpha, fit.Alpha.Value, 0.02);
            Close(scale, fit.DataScale.Value, 0.02);
            Close(floor, fit.Floor.Value, 0.02);
            Assert.InRange(fit.Noise, 0.6 * noise, 1.5 * noise);
        }
    }

    [Theory]
    [InlineData(0.5, 1e6, 3.1, 0)]
    [InlineData(0.5, 1e6, 3.1, 1e-4)]
    [InlineData(0.8, 5e6, 0.7, 5e-4)]
    public void The_warm_up_and_spikes_do_not_move_it(double alpha, double scale, double floor, double noise)
    {
        var curve = Curve(alpha, scale, floor, noise, seed: 7);
        var spikes = new Dictionary<int, double> { [17] = 0.8, [30] = 2.5, [31] = 1.1, [48] = 0.3 };
        for (var i = 0; i < curve.Length; i++)
        {
            var late = 1.2 * Math.Exp(-i); // training begins above the law, and comes down to it after the warm-up
            curve[i].Loss += late + spikes.GetValueOrDefault(i);
        }
        (double, double)[] warmup = [.. Enumerable.Range(1, 4).Select(i => (i * Warmup / 4, 11.0 - i))];
        var fit = Fit([.. warmup, .. curve]);
        Close(alpha, fit.Alpha.Value, 0.02);
        Close(scale, fit.DataScale.Value, 0.02);
        Close(floor, fit.Floor.Value, 0.02);
        Assert.All(fit.Used, p => Assert.True(p.Tokens > Warmup));
        Assert.All(spikes.Keys, i => Assert.DoesNotContain(curve[i], fit.Used));
    }

    [Fact]
    public void The_band_and_the_intervals_cover_the_truth_as_often_as_they_say()
    {
        const int runs = 300;
        const double alpha = 0.5, scale = 1e6, floor = 3.1;
        int[] covered = new int[5];
        double[] places = [2e6, 2e7, 6e7];
        for (var seed = 1; seed <= runs; seed++)
        {
            var fit = Fit(Curve(alpha, scale, floor, 2e-3, seed, points: 20));
            for (var i = 0; i < places.Length; i++)
                if (Holds(fit.At(places[i]), Truth(alpha, scale, floor, places[i]))) covered[i]++;
            if (Holds(fit.Alpha, alpha)) covered[3]++;
            if (Holds(fit.Floor, floor)) covered[4]++;
        }
        Assert.All(covered, c => Assert.InRange((double)c / runs, 0.91, 0.985));
    }

    [Theory]
    [InlineData(3, 3.182)]
    [InlineData(5, 2.571)]
    [InlineData(30, 2.042)]
    public void The_quantile_is_that_of_Student(int freedom, double expected) =>
        Close(expected, PowerLawFit.StudentQuantile(freedom), 0.01);

    [Fact]
    public void The_fit_is_the_same_in_any_unit_of_tokens()
    {
        var curve = Curve(0.5, 1e6, 3.1, 1e-3, seed: 3);
        var (fit, large) = (Fit(curve),
            PowerLawFit.Of([.. curve.Select(p => (p.Tokens * 1e6, p.Loss))], Warmup * 1e6, out _)!);
        Close(fit.Alpha.Value, large.Alpha.Value, 1e-6);
        Close(fit.DataScale.Value * 1e6, large.DataScale.Value, 1e-5);
    }

    [Fact]
    public void Too_few_points_are_refused() =>
        Refused("5 evaluations after the warm-up are too few; a fit needs 6", Curve(0.5, 1e6, 3, points: 5));

    [Fact]
    public void A_curve_that_rises_is_refused() =>
        Refused("does not fall", [.. Curve(0.5, 1e6, 3).Select(p => (p.Tokens, 10 - p.Loss))]);

    [Fact]
    public void A_flat_curve_is_refused() => Refused("does not fall", [.. Curve(0.5, 1e-9, 3, 1e-3, 5)]);

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_curve_that_is_not_finite_is_refused(double loss)
    {
        var curve = Curve(0.5, 1e6, 3);
        curve[40].Loss = loss;
        Refused("not finite after 42000000 tokens", curve);
        Refused("not finite after 0 tokens", [(0, loss), .. Curve(0.5, 1e6, 3)]);
    }

    [Fact]
    public void A_curve_that_diverges_is_refused()
    {
        var curve = Curve(0.5, 1e6, 3);
        for (var i = 30; i < curve.Length; i++) curve[i].Loss += 0.03 * (i - 29);
        Refused("does not fall", curve);
    }

    [Fact]
    public void A_curve_that_breaks_off_at_its_end_is_refused()
    {
        var curve = Curve(0.5, 1e6, 3, noise: 1e-3);
        for (var i = 55; i < curve.Length; i++) curve[i].Loss += 0.1;
        Refused("leaves the curve at its end", curve);
    }

    [Fact]
    public void A_straight_line_is_refused() =>
        Refused("alpha runs to the end", [.. Curve(0.5, 1e6, 3).Select(p => (p.Tokens, 8 - (p.Tokens / 1e8)))]);

    [Fact]
    public void An_exponential_fall_is_refused() =>
        Refused("alpha", [.. Curve(0.5, 1e6, 3).Select(p => (p.Tokens, 3 + (5 * Math.Exp(-p.Tokens / 1e6))))]);

    [Fact]
    public void A_fall_without_a_floor_is_refused() => Refused("floor", Curve(0.2, 1e12, -4, noise: 1e-3));

    [Fact]
    public void A_fall_lost_in_noise_is_refused() =>
        Refused("alpha runs to the end", Curve(0.5, 1e6, 3, noise: 0.3, seed: 2));

    private static PowerLawFit Fit(IReadOnlyList<(double, double)> curve)
    {
        var fit = PowerLawFit.Of(curve, Warmup, out var refusal);
        Assert.True(fit is not null, refusal);
        Assert.Null(refusal);
        return fit;
    }

    private static void Refused(string told, IReadOnlyList<(double, double)> curve)
    {
        Assert.Null(PowerLawFit.Of(curve, Warmup, out var refusal));
        Assert.Contains(told, refusal!, StringComparison.Ordinal);
    }

    // Evaluations every million tokens after the warm-up.
    private static (double Tokens, double Loss)[] Curve(double alpha, double scale, double floor, double noise = 0,
        int seed = 1, int points = Points)
    {
        var random = new Random(seed);
        double Normal() =>
            Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return [.. Enumerable.Range(1, points).Select(i => Warmup + (i * 60e6 / points))
            .Select(tokens => (tokens, Truth(alpha, scale, floor, tokens) + (noise * Normal())))];
    }

    private static double Truth(double alpha, double scale, double floor, double tokens) =>
        Math.Pow(scale / tokens, alpha) + floor;

    private static bool Holds(Estimate interval, double value) => interval.Low <= value && value <= interval.High;

    private static void Close(double expected, double actual, double share) =>
        Assert.InRange(actual, expected * (1 - share), expected * (1 + share));
}
