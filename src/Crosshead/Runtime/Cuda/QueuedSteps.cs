using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Steps that a device is given together: on a CUDA device one captured graph, as decoding launches them, so that the
/// time that the host takes to queue them does not count.
/// </summary>
public sealed class QueuedSteps : IDisposable
{
    private readonly Action _all;
    private readonly SideStream? _stream;
    private readonly CudaGraph? _graph;

    /// <summary>Prepares steps; on a CUDA device they are done once.</summary>
    /// <param name="device">Where they run.</param>
    /// <param name="step">Queues one; nothing in it may wait for the device.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    /// <exception cref="LibTorchException">libtorch refused.</exception>
    public QueuedSteps(Device device, Action step, int count)
    {
        _all = () =>
        {
            for (var i = 0; i < count; i++) step();
        };
        if (device.type != DeviceType.CUDA) return;
        cuda.synchronize(device); // what the steps read was made on another stream
        var index = Math.Max(device.index, 0);
        _stream = SideStream.Rent(index);
        _graph = CudaGraph.TryCapture(index, _stream, _all, out var refusal);
        if (refusal is null) return;
        Dispose();
        throw refusal;
    }

    /// <summary>Queues all of them.</summary>
    public void Run()
    {
        if (_graph is not null)
        {
            _graph.Launch();
            return;
        }
        using var scope = NewDisposeScope();
        _all();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph?.Dispose();
        _stream?.Dispose();
    }
}
