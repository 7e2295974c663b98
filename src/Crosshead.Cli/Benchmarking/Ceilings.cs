using static TorchSharp.torch;

namespace Crosshead.Cli.Benchmarking;

/// <summary>The most a device does, measured in the same run as what is held against it.</summary>
/// <param name="FlopsPerSecond">Of a large matrix product in the precision of the run.</param>
/// <param name="BytesPerSecond">Moved by the faster of a copy, read and written, and a matrix-vector product, both too large for any cache.</param>
internal sealed record Ceilings(double FlopsPerSecond, double BytesPerSecond)
{
    /// <summary>Measures a device; takes about three seconds.</summary>
    public static Ceilings Of(Device device, ScalarType type, CancellationToken cancel)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var cuda = device.type == TorchSharp.DeviceType.CUDA;
        var wait = Wait(device);

        long side = cuda ? 8192 : 1536;
        var (a, b) = (ones([side, side], type, device), ones([side, side], type, device));
        var product = Timing.Of(() => a.matmul(b).Dispose(), wait, 0.7, 5, cancel);

        long rows = cuda ? 65536 : 16384, columns = 8192;
        var (matrix, vector) = (ones([rows, columns], type, device), ones([columns], type, device));
        var read = Timing.Of(() => matrix.mv(vector).Dispose(), wait, 0.7, 5, cancel);
        var copy = empty_like(matrix);
        var copied = Timing.Of(() => copy.copy_(matrix), wait, 0.7, 5, cancel);
        double bytes = rows * columns * Runtime.Precision.BytesOf(type);
        return new Ceilings(2.0 * side * side * side / product.Fastest, Math.Max(bytes / read.Fastest, 2 * bytes / copied.Fastest));
    }

    /// <summary>Waits until everything given to a device has been done.</summary>
    public static Action Wait(Device device) => device.type == TorchSharp.DeviceType.CUDA ? () => cuda.synchronize(device) : static () => { };
}
