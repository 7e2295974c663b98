using System.Globalization;
using System.Text.RegularExpressions;

namespace Crosshead.Cli.Terminal;

/// <summary>Tells a failed allocation with its size and with what makes the next run smaller.</summary>
internal static partial class OutOfMemory
{
    private const string Knobs = "lower batch or context (raise gradient accumulation to keep the tokens a step), switch on activation checkpointing, or use --dtype bfloat16.";

    /// <summary>The line for an allocation that failed, or null for any other failure.</summary>
    public static string? Describe(Exception failure)
    {
        var text = failure.Message;
        var device = text.Contains("CUDA out of memory", StringComparison.OrdinalIgnoreCase) ? "the CUDA device"
            : text.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase) || text.Contains("not enough memory", StringComparison.OrdinalIgnoreCase) ? "the CPU"
            : null;
        if (device is null)
            return failure is OutOfMemoryException ? $"out of memory: {Quantity.Bytes(GC.GetTotalMemory(false))} of managed memory were in use; {Knobs}" : null;
        var size = Size().Match(text);
        return size.Success
            ? $"out of memory on {device}: {Amount(size)} more were asked for; {Knobs}"
            : $"out of memory on {device}; {Knobs}";
    }

    private static string Amount(Match size) =>
        size.Groups["unit"].Value == "bytes" && double.TryParse(size.Groups["number"].Value, CultureInfo.InvariantCulture, out var bytes)
            ? Quantity.Bytes(bytes)
            : $"{size.Groups["number"].Value} {size.Groups["unit"].Value}";

    [GeneratedRegex(@"(tried to allocate|for) (?<number>[0-9.]+) ?(?<unit>bytes|[KMGT]iB)", RegexOptions.IgnoreCase)]
    private static partial Regex Size();
}
