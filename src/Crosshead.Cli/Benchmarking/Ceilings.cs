using Crosshead.Runtime.Cuda;
using Crosshead.Training.Runs;
using static TorchSharp.torch;

namespace Crosshead.Cli.Benchmarking;

/// <summary>Peak speeds of a device, measured in the same run as the cases that are compared with them.</summary>
/// <param name="FlopsPerSecond">Operations per second of the fastest large matrix product. For bfloat16 on the
/// processor the product is in bfloat16 or float32, because the kernels for bfloat16 compute in float32 too.</param>
/// <param name="BytesPerSecond">Bytes per second of a copy, read and written, or of a matrix-vector product,
/// whichever is faster. Both are too large for any cache.</param>
/// <param name="Busy">Whether other work on the machine disturbed the measurement; shares then say little.</param>
internal sealed record Ceilings(double FlopsPerSecond, double BytesPerSecond, bool Busy)
{
    // Data count as cached if reading is this many times as fast as from memory.
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
    /// Raises the peaks to the fastest speeds of the cases. A case above a measured peak shows that other work
    /// disturbed the measurement.
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

    /// <summary>Marks the cases whose working set stays in a cache of the device.</summary>
    public IReadOnlyList<BenchCase> Mark(IReadOnlyList<BenchCase> cases, Device device, CancellationToken cancellation)
    {
        var cached = cases.Select(c => c.WorkingSet).Distinct()
            .ToDictionary(set => set, set => FitsInCache(set, device, cancellation));
        return [.. cases.Select(c => c with { Cached = cached[c.WorkingSet] })];
    }

    /// <summary>Returns an action that waits until a device has finished all work.</summary>
    public static Action Wait(Device device) =>
        device.type == TorchSharp.DeviceType.CUDA ? () => cuda.synchronize(device) : static () => { };

    // The size of a GPU's cache is known. On the processor a virtual machine may hide the size. There the speed of
    // repeated reading decides.
    private bool FitsInCache(double bytes, Device device, CancellationToken cancellation) =>
        device.type == TorchSharp.DeviceType.CUDA ? bytes <= CudaDevices.CacheBytes(Math.Max(device.index, 0))
        : bytes < FewestBytes
            || ReadSpeed(device, (long)(bytes / sizeof(float) / Columns), 0.15, cancellation) > Cached * BytesPerSecond;

    // Bytes per second of a matrix-vector product, which reads its matrix again and again.
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
