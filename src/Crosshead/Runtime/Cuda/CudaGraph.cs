using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Work on a device that was queued once without running. One launch repeats it on the same memory, as often as
/// requested. The graph owns every tensor that was made during the capture.
/// </summary>
internal sealed unsafe class CudaGraph : IDisposable
{
    private readonly CudaDevice _device;
    private readonly SideStream _stream;
    private readonly IReadOnlyList<IDisposable> _tensors;
    private nint _executable;

    private CudaGraph(CudaDevice device, SideStream stream, nint executable, int nodes,
        IReadOnlyList<IDisposable> tensors) =>
        (_device, _stream, _executable, Nodes, _tensors) = (device, stream, executable, nodes, tensors);

    /// <summary>Kernels and copies of one launch.</summary>
    public int Nodes { get; }

    /// <summary>
    /// Captures the queued work of <paramref name="work"/>. Before the capture the work runs once normally, so that
    /// libraries, kernels and the stream's memory are ready.
    /// </summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="stream">Where; it must outlive the graph.</param>
    /// <param name="work">Queues the work; nothing in it may wait for the device.</param>
    /// <param name="refusal">Why there is no graph; null if there is one.</param>
    /// <returns>The graph; null if the work cannot be captured, for example because it waits for the device or memory
    /// is short.</returns>
    public static CudaGraph? TryCapture(int device, SideStream stream, Action work, out Exception? refusal)
    {
        var owner = CudaDevice.Get(device);
        using (NewDisposeScope())
        using (stream.Enter()) work();
        stream.Wait();
        using var context = owner.Enter();
        using var tensors = NewDisposeScope();
        refusal = null;
        nint graph = 0, executable = 0;
        try
        {
            using (stream.Enter())
            {
                CudaDriver.Check(CudaDriver.BeginCapture(stream.Handle, CudaDriver.RelaxedCapture),
                    "beginning to capture a CUDA graph");
                try
                {
                    work();
                }
                catch (Exception e) when (e is CrossheadException or LibTorchException or ExternalException)
                {
                    refusal = e;
                }
                // Ended in any case, because a stream that still captures is useless.
                var ended = CudaDriver.EndCapture(stream.Handle, out graph);
                if (refusal is null) CudaDriver.Check(ended, "capturing a CUDA graph");
            }
            if (refusal is null)
            {
                nuint nodes = 0;
                CudaDriver.Check(CudaDriver.GetGraphNodes(graph, null, ref nodes),
                    "counting the nodes of a CUDA graph");
                CudaDriver.Check(CudaDriver.InstantiateGraph(out executable, graph, 0), "preparing a CUDA graph");
                CudaDriver.Check(CudaDriver.UploadGraph(executable, stream.Handle),
                    "bringing a CUDA graph to its device");
                stream.Wait();
                IDisposable[] made = [.. tensors.DisposablesView];
                tensors.Detach(made);
                return new CudaGraph(owner, stream, executable, (int)nodes, made);
            }
        }
        catch (CrossheadException e)
        {
            refusal = e;
        }
        finally
        {
            if (graph != 0) _ = CudaDriver.DestroyGraph(graph);
        }
        return null;
    }

    /// <summary>Queues the work once more.</summary>
    /// <exception cref="CrossheadException">The driver refused.</exception>
    public void Launch()
    {
        using var scope = _device.Enter();
        CudaDriver.Check(CudaDriver.LaunchGraph(_executable, _stream.Handle), "launching a CUDA graph");
    }

    /// <summary>Waits for running work, and frees the memory.</summary>
    public void Dispose()
    {
        if (_executable == 0) return;
        _stream.Wait();
        using (_device.Enter())
            CudaDriver.Check(CudaDriver.DestroyGraphExecutable(_executable), "giving a CUDA graph back");
        _executable = 0;
        foreach (var tensor in _tensors) tensor.Dispose();
    }
}
