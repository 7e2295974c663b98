namespace Crosshead.Reports.Charts;

/// <summary>Maps values to places on one side of a chart, linearly or by logarithm, and chooses the ticks.</summary>
internal sealed class ChartAxis
{
    private readonly double _low;
    private readonly double _high;
    private readonly double _from;
    private readonly double _to;
    private readonly bool _log;

    /// <summary>
    /// An axis from the value <paramref name="low"/> at place <paramref name="from"/> to <paramref name="high"/> at
    /// <paramref name="to"/>.
    /// </summary>
    public ChartAxis(double low, double high, double from, double to, bool log = false)
    {
        (_log, _from, _to) = (log && low > 0, from, to);
        // A single value stands in the middle.
        if (high <= low) (low, high) = _log ? (low / 1.5, low * 1.5) : (low - 0.5, low + 0.5);
        (_low, _high) = (low, high);
        Ticks = _log ? LogTicks() : LinearTicks();
    }

    /// <summary>Round values on the axis, three to six or so.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>The place of a value.</summary>
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

    // 1, 2 and 5 in every decade; where those are too few the linear ticks serve.
    private double[] LogTicks()
    {
        var decades = Enumerable.Range((int)Math.Floor(Math.Log10(_low)),
            (int)Math.Ceiling(Math.Log10(_high / _low)) + 2);
        double[] ticks = [.. decades.SelectMany(d => new[] { 1.0, 2, 5 }.Select(m => m * Math.Pow(10, d)))
            .Where(t => t >= _low * 0.999 && t <= _high * 1.001)];
        return ticks.Length >= 3 ? ticks : LinearTicks();
    }
}
