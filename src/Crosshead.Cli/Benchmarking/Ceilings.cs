using Crosshead.Runtime.Cuda;
using Crosshead.Training.Runs;
using static TorchSharp.torch;

namespace Crosshead.Cli.Benchmarking;

/// <summary>The most a device does, measured in the same run as what is held against it.</summary>
/// <param name="FlopsPerSecond">Of the fastest large matrix product; on the processor, for bfloat16, in that type or in
/// float32, which its kernels compute in too.</param>
/// <param name="BytesPerSecond">Moved by the faster of a copy, read and written, and a matrix-vector product, both too
/// large for any cache.</param>
/// <param name="Busy">Whether other work on the machine disturbed the measurement, so that shares say little.</param>
internal sealed record Ceilings(double FlopsPerSecond, double BytesPerSecond, bool Busy)
{
    // What is read again and again comes from a cache where that is so many times as fast as memory.
    private const double Cached = 1.2;
    private const long Columns = 8192, FewestBytes = 4 * Columns;

    /// <summary>Measures a device; takes about two seconds.</summary>
    public static Ceilings Of(Device device, ScalarType type, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var peak = PeakFlops.Measure(device, type, seconds: 0.7);
        cancellation.ThrowIfCancellationRequested();

        var rows = device.type == TorchSharp.DeviceType.CUDA ? 65536L : 16384L;
        var read = ReadSpeed(device, rows, 0.7, cancellation);
        var matrix = ones([rows, Columns], ScalarType.Float32, device);
        var copy = empty_like(matrix);
        var copied = Timing.Of(() => copy.copy_(matrix), Wait(device), 0.7, 5, cancellation);
        return new Ceilings(peak.PerSecond,
            Math.Max(read, 2.0 * matrix.numel() * sizeof(float) / copied.Fastest), peak.Busy);
    }

    /// <summary>
    /// The ceilings with what cases themselves reached at their fastest: where one did more than the measured most,
    /// other work had disturbed that measurement.
    /// </summary>
    public Ceilings Including(IReadOnlyList<BenchCase> cases)
    {
        var flops = cases.Max(c => c.Flops / c.Timing.Fastest);
        var bytes = cases.Where(c => !c.Cached).Select(c => c.Bytes / c.Timing.Fastest).DefaultIfEmpty().Max();
        return this with
        {
            FlopsPerSecond = Math.Max(FlopsPerSecond, flops),
            BytesPerSecond = Math.Max(BytesPerSecond, bytes),
            Busy = Busy || flops > FlopsPerSecond || bytes > BytesPerSecond,
        };
    }

    /// <summary>The cases, marked where what they read again and again stays in a cache of the device.</summary>
    public IReadOnlyList<BenchCase> Mark(IReadOnlyList<BenchCase> cases, Device device, CancellationToken cancellation)
    {
        var cached = cases.Select(c => c.WorkingSet).Distinct()
            .ToDictionary(set => set, set => FitsInCache(set, device, cancellation));
        return [.. cases.Select(c => c with { Cached = cached[c.WorkingSet] })];
    }

    /// <summary>Waits until everything given to a device has been done.</summary>
    public static Action Wait(Device device) =>
        device.type == TorchSharp.DeviceType.CUDA ? () => cuda.synchronize(device) : static () => { };

    // A GPU's cache is known; on the processor, where a virtual machine may hide it, reading so many bytes again and
    // again tells.
    private bool FitsInCache(double bytes, Device device, CancellationToken cancellation) =>
        device.type == TorchSharp.DeviceType.CUDA ? bytes <= CudaDevices.CacheBytes(Math.Max(device.index, 0))
        : bytes < FewestBytes
            || ReadSpeed(device, (long)(bytes / sizeof(float) / Columns), 0.15, cancellation) > Cached * BytesPerSecond;

    // Bytes a second of a matrix-vector product, which reads its matrix again and again.
    private static double ReadSpeed(Device device, long rows, double seconds, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var (matrix, vector) = (ones([rows, Columns], ScalarType.Float32, device),
            ones([Columns], ScalarType.Float32, device));
        var read = Timing.Of(() => matrix.mv(vector).Dispose(), Wait(device), seconds, 5, cancellation);
        return (double)matrix.numel() * sizeof(float) / read.Fastest;
    }
}
