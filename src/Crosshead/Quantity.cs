using System.Globalization;

namespace Crosshead;

/// <summary>Numbers in a form for people.</summary>
public static class Quantity
{
    /// <summary>Bytes in binary units: <c>1.5 GiB</c>.</summary>
    public static string Bytes(double bytes) => Scaled(bytes, 1024, "bytes", "KiB", "MiB", "GiB", "TiB");

    /// <summary>A count in decimal units: <c>6.84 M</c>.</summary>
    public static string Count(double count) => Scaled(count, 1000, "", "k", "M", "G", "T").TrimEnd();

    /// <summary>A duration in its two largest units: <c>1 h 05 min</c>.</summary>
    public static string Time(TimeSpan time) => time switch
    {
        { TotalHours: >= 1 } => $"{(int)time.TotalHours} h {time.Minutes:00} min",
        { TotalMinutes: >= 1 } => $"{time.Minutes} min {time.Seconds:00} s",
        { TotalSeconds: >= 10 } => $"{(int)time.TotalSeconds} s",
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
    };

    /// <summary>
    /// A change with its sign and four decimals, as of a loss: <c>+0.0123</c>. One that rounds to zero has no sign.
    /// </summary>
    public static string Change(double change) =>
        change.ToString("+0.0000;-0.0000;0.0000", CultureInfo.InvariantCulture); // without the third: "-+0.0000"

    private static string Scaled(double value, double step, params ReadOnlySpan<string> units)
    {
        var unit = 0;
        while (Math.Abs(value) >= step && unit < units.Length - 1)
            (value, unit) = (value / step, unit + 1);
        var format = unit == 0 ? "0.##" : Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.0" : "0.00";
        return value.ToString(format, CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
