using System.Globalization;

namespace Crosshead.Training.Studies;

/// <summary>Chooses the points of a curve for a power-law fit, and refuses curves that are not power laws.</summary>
internal static class PowerLawFitting
{
    // Largest shares of the points after the warm-up that may be left out, at the start and as outliers.
    private const double MostDropped = 1.0 / 3, MostOutliers = 1.0 / 3;
    // Share of all points in the window that must agree with the rest, and its largest deviation from them.
    private const double StartWindow = 0.1, MostDeviations = 2.5;
    // Largest scatter of the points, as a share of the whole fall. Above, the curve is not a power law.
    private const double MostScatter = 0.2;
    // Largest ratio of the ends of α's interval, high over low. Above, the data do not determine α.
    private const double WidestAlpha = 10;

    public static PowerLawFit? Fit(IReadOnlyList<(double Tokens, double Loss)> curve, double warmupTokens,
        out string? refusal)
    {
        refusal = RefuseData(curve, warmupTokens);
        if (refusal is not null) return null;
        var points = curve.Where(p => p.Tokens > warmupTokens).ToArray();
        var fitted = points[Start(points)..];
        var trimmed = TrimmedPowerLaw.Of(fitted);
        refusal = RefuseCurve(trimmed, fitted);
        if (refusal is not null) return null;
        var fit = new PowerLawFit(trimmed, fitted);
        refusal = RefuseResult(fit);
        return refusal is null ? fit : null;
    }

    /// <summary>
    /// Returns the earliest start whose points agree with the fit of all later points. Training does not follow the law
    /// at its start, and only the curve shows for how long. A window holds a tenth of the points. The median of its
    /// deviations from the law of the later points must be within <see cref="MostDeviations"/> standard deviations.
    /// These include the standard deviation of the law.
    /// </summary>
    private static int Start((double Tokens, double Loss)[] points)
    {
        var window = Math.Max(1, (int)(points.Length * StartWindow));
        var most = Math.Min((int)(points.Length * MostDropped), points.Length - PowerLawFit.LeastPoints - window);
        for (var start = 0; start < most; start++)
        {
            var rest = points[(start + window)..];
            if (Agree(points[start..(start + window)], new PowerLawFit(TrimmedPowerLaw.Of(rest), rest))) return start;
        }
        return Math.Max(0, most);
    }

    private static bool Agree((double Tokens, double Loss)[] window, PowerLawFit rest)
    {
        const double medianDeviation = 1.2533; // of a median, relative to that of a mean
        var chance = medianDeviation * rest.Noise / Math.Sqrt(window.Length);
        var law = rest.DeviationAt(window[window.Length / 2].Tokens);
        var rounding = 1e-9 * window[0].Loss;
        return Math.Abs(Median([.. window.Select(p => p.Loss - rest.At(p.Tokens).Value)]))
            <= (MostDeviations * Math.Sqrt((chance * chance) + (law * law))) + rounding;
    }

    private static string? RefuseData(IReadOnlyList<(double Tokens, double Loss)> curve, double warmupTokens)
    {
        foreach (var (tokens, loss) in curve)
            if (!double.IsFinite(loss)) return Told($"the loss is not finite after {tokens:0} tokens");
        var losses = curve.Where(p => p.Tokens > warmupTokens).Select(p => p.Loss).ToArray();
        if (losses.Length < PowerLawFit.LeastPoints)
            return Told($"{losses.Length} evaluations after the warm-up are too few; a fit needs ")
                + Told($"{PowerLawFit.LeastPoints} or more");
        var third = losses.Length / 3;
        var (first, last) = (Median(losses[..third]), Median(losses[^third..]));
        return last < first ? null : Told($"the loss does not fall: its median is {first:0.####} in the first third ")
            + Told($"and {last:0.####} in the last");
    }

    private static string? RefuseCurve(TrimmedPowerLaw fit, (double Tokens, double Loss)[] points)
    {
        var law = fit.Law;
        if (!(law.Amplitude > 0)) return "the loss does not fall along a power law";
        if (law.Alpha < PowerLawSolver.LeastAlpha * 1.01 || law.Alpha > PowerLawSolver.MostAlpha * 0.99)
            return Told($"alpha runs to the end of its range ({PowerLawSolver.LeastAlpha} to ")
                + Told($"{PowerLawSolver.MostAlpha}): the curve is no power law");
        var outliers = fit.Used.Count(u => !u);
        if (outliers > points.Length * MostOutliers)
            return Told($"{outliers} of {points.Length} points lie far off the best curve");
        if (!fit.Used[^1] && !fit.Used[^2])
            return Told($"the loss leaves the curve at its end: {points[^1].Loss:0.####} where the law of the rest ")
                + Told($"says {law.At(points[^1].Tokens):0.####}");
        var fall = law.At(points[0].Tokens) - law.At(points[^1].Tokens);
        return fit.Noise <= MostScatter * fall ? null
            : Told($"the points scatter by {fit.Noise:0.###} nats around the best curve, which falls by {fall:0.###}");
    }

    private static string? RefuseResult(PowerLawFit fit)
    {
        var (_, low, high) = fit.Alpha;
        if (!(high <= WidestAlpha * low))
            return Told($"the curve does not determine alpha, which may be from {low:0.###} to {high:0.###}; a ")
                + Told($"longer run would");
        return fit.Floor.Value >= 0 ? null : Told($"the curve does not bend towards a floor yet: L0 would be ")
            + Told($"{fit.Floor.Value:0.###}, below any loss; a longer run would show it");
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    private static string Told(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
