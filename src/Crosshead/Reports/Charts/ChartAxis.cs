namespace Crosshead.Reports.Charts;

/// <summary>Maps values to positions along one axis of a chart, linear or logarithmic, and chooses the ticks.</summary>
internal sealed class ChartAxis
{
    private readonly double _low;
    private readonly double _high;
    private readonly double _from;
    private readonly double _to;
    private readonly bool _log;

    /// <summary>
    /// An axis from the value <paramref name="low"/> at position <paramref name="from"/> to the value
    /// <paramref name="high"/> at position <paramref name="to"/>. The axis is logarithmic if <paramref name="log"/> is
    /// true and <paramref name="low"/> is positive.
    /// </summary>
    public ChartAxis(double low, double high, double from, double to, bool log = false)
    {
        (_log, _from, _to) = (log && low > 0, from, to);
        // A single value is placed in the middle.
        if (high <= low) (low, high) = _log ? (low / 1.5, low * 1.5) : (low - 0.5, low + 0.5);
        (_low, _high) = (low, high);
        Ticks = _log ? LogTicks() : LinearTicks();
    }

    /// <summary>Round values on the axis; about three to six on a linear axis.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>Returns the position of a value.</summary>
    public double Place(double value) => _from
        + (_to - _from) * (_log ? Math.Log(value / _low) / Math.Log(_high / _low) : (value - _low) / (_high - _low));

    private double[] LinearTicks()
    {
        var raw = (_high - _low) / 6;
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = power * (new[] { 1.0, 2, 5, 10 }.First(m => m * power >= raw * 0.999));
        var first = Math.Ceiling(_low / step - 1e-9);
        return [.. Enumerable.Range(0, 12).Select(i => (first + i) * step).TakeWhile(t => t <= _high + step * 1e-9)];
    }

    // Ticks at 1, 2 and 5 in every decade; linear ticks if these are fewer than three.
    private double[] LogTicks()
    {
        var decades = Enumerable.Range((int)Math.Floor(Math.Log10(_low)),
            (int)Math.Ceiling(Math.Log10(_high / _low)) + 2);
        double[] ticks = [.. decades.SelectMany(d => new[] { 1.0, 2, 5 }.Select(m => m * Math.Pow(10, d)))
            .Where(t => t >= _low * 0.999 && t <= _high * 1.001)];
        return ticks.Length >= 3 ? ticks : LinearTicks();
    }
}
