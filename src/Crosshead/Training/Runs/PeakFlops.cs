using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>The peak of a device, measured with large matrix products.</summary>
/// <param name="PerSecond">Floating-point operations per second of the fastest product.</param>
/// <param name="Spread">The median time of those products in multiples of the fastest: 1 where nothing disturbed
/// them.</param>
public sealed record PeakFlops(double PerSecond, double Spread)
{
    // On an otherwise idle machine products of one size differ by less.
    private const double Undisturbed = 1.3;
    private const int LeastProducts = 4;

    /// <summary>Whether other work slowed the products down, so that shares of the peak say little.</summary>
    public bool Busy => Spread > Undisturbed;

    /// <summary>
    /// Measures a device. On the processor a bfloat16 model computes in float32 if float32 is faster, so its peak is
    /// that of the faster precision.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="type">The precision of the model.</param>
    /// <param name="seconds">Time to spend.</param>
    public static PeakFlops Measure(Device device, ScalarType type, double seconds = 0.3)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var size = device.type == DeviceType.CUDA ? 8192L : 1024L;
        ScalarType[] types = device.type == DeviceType.CPU && type == ScalarType.BFloat16
            ? [type, ScalarType.Float32] : [type];
        Func<double>[] products = [.. types.Select(t => Product(device, t, size))];
        foreach (var first in products) first(); // slow for reasons of its own
        var product = products.Length == 1 ? products[0] : products.MinBy(time => time())!;
        var (times, watch) = (new List<double>(), Stopwatch.StartNew());
        while (times.Count < LeastProducts || watch.Elapsed.TotalSeconds < seconds) times.Add(product());
        return Of(2.0 * size * size * size, times);
    }

    // Multiplies once, and returns the time in seconds.
    private static Func<double> Product(Device device, ScalarType type, long size)
    {
        var (a, b) = (ones(size, size, type, device), ones(size, size, type, device));
        return () =>
        {
            using var inner = NewDisposeScope();
            var start = Stopwatch.GetTimestamp();
            _ = matmul(a, b)[0, 0].cpu(); // waits for the device
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        };
    }

    /// <summary>The peak that timed products show.</summary>
    /// <param name="operations">Operations of one product.</param>
    /// <param name="times">Seconds that each took.</param>
    internal static PeakFlops Of(double operations, IReadOnlyList<double> times)
    {
        double[] ordered = [.. times.Order()];
        return new PeakFlops(operations / ordered[0], ordered[ordered.Length / 2] / ordered[0]);
    }
}
