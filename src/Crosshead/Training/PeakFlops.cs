using System.Diagnostics;
using static TorchSharp.torch;

namespace Crosshead.Training;

/// <summary>What a device can do at most, measured by a short matrix product.</summary>
public static class PeakFlops
{
    /// <summary>FLOP/s of the best of a few large matrix products; takes about a third of a second.</summary>
    public static double Measure(Device device, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var size = device.type == TorchSharp.DeviceType.CUDA ? 8192L : 1024L;
        var (a, b) = (ones(size, size, type, device), ones(size, size, type, device));
        var (best, watch) = (0.0, Stopwatch.StartNew());
        while (watch.Elapsed.TotalSeconds < 0.3)
        {
            using var inner = NewDisposeScope();
            var start = watch.Elapsed;
            _ = matmul(a, b)[0, 0].cpu(); // waits for the device
            best = Math.Max(best, 2.0 * size * size * size / (watch.Elapsed - start).TotalSeconds);
        }
        return best;
    }
}
