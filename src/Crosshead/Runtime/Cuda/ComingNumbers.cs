using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Numbers on their way from a device to the host. Who waits for them does not wait for what is queued behind them.
/// </summary>
internal sealed class ComingNumbers : IDisposable
{
    private readonly Tensor _numbers;
    private readonly CudaEvent? _arrival;

    /// <summary>Sends the numbers.</summary>
    /// <param name="numbers">[n] float64, on any device.</param>
    public ComingNumbers(Tensor numbers)
    {
        _numbers = numbers.to(CPU, non_blocking: true).DetachFromDisposeScope();
        if (numbers.device_type != DeviceType.CUDA) return;
        _arrival = new CudaEvent(CudaDevice.Get(numbers.device_index));
        _arrival.Record(CudaStream.Current(numbers.device_index));
    }

    /// <summary>The numbers, when they are here.</summary>
    /// <exception cref="CrossheadException">Something queued before them failed.</exception>
    public double[] Wait()
    {
        _arrival?.Wait();
        return _numbers.data<double>().ToArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _numbers.Dispose();
        _arrival?.Dispose();
    }
}
