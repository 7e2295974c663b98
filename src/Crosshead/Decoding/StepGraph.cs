using Crosshead.Model;
using Crosshead.Runtime.Cuda;

namespace Crosshead.Decoding;

/// <summary>A step that is captured as a CUDA graph when it first runs, and then launched as one.</summary>
/// <param name="model">The model, on a CUDA device.</param>
/// <param name="device">The device's number.</param>
internal sealed class StepGraph(LanguageModel model, int device) : IDisposable
{
    private CudaGraph? _graph;

    /// <summary>Where the step runs.</summary>
    public SideStream Stream { get; } = SideStream.Rent(device);

    /// <summary>Number of nodes of the captured graph; 0 before the capture.</summary>
    public int Nodes => _graph?.Nodes ?? 0;

    /// <summary>Why the step cannot be captured; null if it can.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Runs the step, and waits for its end.</summary>
    /// <param name="compute">Queues the step, if it has to be captured first; nothing in it may wait for the
    /// device.</param>
    /// <returns>False if the step cannot be captured; then nothing has changed.</returns>
    /// <exception cref="CrossheadException">The device failed.</exception>
    public bool TryRun(Action compute)
    {
        if (_graph is null && !TryCapture(compute)) return false;
        _graph!.Launch();
        Stream.Wait();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph?.Dispose();
        Stream.Dispose();
    }

    private bool TryCapture(Action compute)
    {
        _graph = CudaGraph.TryCapture(device, Stream, compute, out var refusal);
        Refusal = refusal?.Message;
        // Ranks that share the model out either all repeat the graph, or none.
        if (model.Ranks?.All(_graph is not null) ?? _graph is not null) return true;
        _graph?.Dispose();
        _graph = null;
        return false;
    }
}
