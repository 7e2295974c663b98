using System.Globalization;
using System.Text.RegularExpressions;

namespace Crosshead.Runtime;

/// <summary>An allocation that failed, read from libtorch's own sentence.</summary>
/// <param name="Device">The device on which it failed, in words.</param>
/// <param name="Size">The requested size, such as <c>20.00 GiB</c>; null if libtorch does not say.</param>
public sealed partial record OutOfMemory(string Device, string? Size)
{
    /// <summary>The failed allocation of an exception; null for any other failure.</summary>
    public static OutOfMemory? In(Exception failure)
    {
        var text = failure.Message;
        bool Says(string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
        var device = Says("CUDA out of memory") ? "the CUDA device"
            : Says("can't allocate memory") || Says("not enough memory") ? "the CPU" : null;
        if (device is null) return null;
        var size = Asked().Match(text);
        return new OutOfMemory(device,
            size.Success ? Amount(size.Groups["number"].Value, size.Groups["unit"].Value) : null);
    }

    private static string Amount(string number, string unit) =>
        unit == "bytes" && double.TryParse(number, CultureInfo.InvariantCulture, out var bytes) ? Quantity.Bytes(bytes)
        : $"{number} {unit}";

    // CPU: "you tried to allocate 8192 bytes"; CUDA: "Tried to allocate 20.00 MiB".
    [GeneratedRegex(@"(tried to allocate|for) (?<number>[0-9.]+) ?(?<unit>bytes|[KMGT]iB)", RegexOptions.IgnoreCase)]
    private static partial Regex Asked();
}
