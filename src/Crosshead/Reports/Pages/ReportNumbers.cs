using System.Globalization;
using Crosshead.Training.Studies;

namespace Crosshead.Reports.Pages;

/// <summary>Formats numbers for readers, in the same way on every machine.</summary>
public static class ReportNumbers
{
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    /// <summary>A mean loss and its deviation.</summary>
    public static string Loss(Spread? loss) => loss is not { } spread ? Loss((double?)null)
        : Loss(spread.Mean) + (spread.Deviation is { } deviation ? $" ± {Loss(deviation)}" : "");

    /// <summary>A mean share and its deviation, in per cent.</summary>
    public static string Percent(Spread? share) => share is not { } spread ? "–" : string.Create(Culture,
        $"{100 * spread.Mean:0.0}{(spread.Deviation is { } deviation ? $" ± {100 * deviation:0.0}" : "")}\u00a0%");

    /// <summary>A loss: <c>3.412</c>; a dash if not known.</summary>
    public static string Loss(double? loss) =>
        loss is not { } value ? "–" : double.IsFinite(value) ? value.ToString("0.000", Culture) : "not finite";

    /// <summary>A difference with its sign: <c>+0.021</c>.</summary>
    public static string Difference(double difference) => difference.ToString("+0.000;−0.000;0.000", Culture);

    /// <summary>A learning rate: <c>3e-3</c>.</summary>
    public static string Rate(double rate) => rate.ToString("0.##e-0", Culture);

    /// <summary>A rounded count with a unit: <c>614 k</c>, <c>6.84 M</c>; in full below 10,000.</summary>
    public static string Count(double count) => count switch
    {
        >= 1e9 => Three(count / 1e9) + " G",
        >= 1e6 => Three(count / 1e6) + " M",
        >= 1e4 => Three(count / 1e3) + " k",
        _ => count.ToString("#,0", Culture),
    };

    /// <summary>A whole number with thousands separators: <c>3,312</c>.</summary>
    public static string Whole(double number) => number.ToString("#,0", Culture);

    /// <summary>
    /// A share as percent: <c>0.6 %</c>. Two decimals below 0.1 %, so that a small difference is not written as zero.
    /// </summary>
    public static string Percent(double share) =>
        (100 * share).ToString(Math.Abs(share) < 0.001 ? "0.00" : "0.0", Culture) + " %";

    // Three significant digits, with at most two after the decimal point.
    private static string Three(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.#" : "0.##", Culture);
}
