using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Model.Views;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression.Search;

/// <summary>
/// The residual streams of all windows before a layer, batch by batch. They are kept while the pieces of that layer are
/// measured.
/// </summary>
internal sealed class ResidualStates : IDisposable
{
    private readonly LanguageModel _model;
    private readonly (Tensor X, Tensor Targets)[] _batches; // [B,N,D], [B,N]

    public ResidualStates(LanguageModel model, TokenWindows windows, int batch)
    {
        _model = model;
        _batches = [.. windows.Batches(batch, model.Device).Select(ids =>
        {
            using var scope = NewDisposeScope();
            using (ids)
            {
                var (inputs, targets) = WindowLoss.Split(ids);
                return (model.Embed(inputs).DetachFromDisposeScope(), targets.DetachFromDisposeScope());
            }
        })];
    }

    /// <summary>
    /// Number of losses that can be measured at once: the number of compute threads on a CPU, and 1 on other devices.
    /// The number is smaller if the batches would need more than half of the free memory.
    /// </summary>
    public int Workers
    {
        get
        {
            if (_model.Device.type != TorchSharp.DeviceType.CPU) return 1;
            var options = _model.Options;
            var tokens = _batches[0].X.shape[0] * _batches[0].X.shape[1];
            var each = tokens * 4 * ((4L * options.HiddenSize) + (4L * options.FeedForward)
                + (4L * options.Attention.Heads * options.HeadDim));
            var memory = GC.GetGCMemoryInfo();
            return (int)Math.Clamp((memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes) / 2 / each, 1,
                ComputeThreads.Count);
        }
    }

    /// <summary>Moves all streams through a layer, so that they stand before the next layer.</summary>
    public void Advance(int layer, CancellationToken cancellation)
    {
        for (var b = 0; b < _batches.Length; b++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var (x, targets) = _batches[b];
            _batches[b] = (Through(_model.Blocks[layer], x, _model.Views.Of(x.shape[1])).DetachFromDisposeScope(),
                targets);
            x.Dispose();
        }
    }

    /// <summary>
    /// Returns the mean loss over the windows with another attention in a layer. The streams must be those before this
    /// layer.
    /// </summary>
    public double LossFrom(int layer, IAttention attention, CancellationToken cancellation)
    {
        var (sum, windows) = (0.0, 0L);
        var changed = _model.Blocks[layer].With(attention);
        foreach (var (start, targets) in _batches)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var view = _model.Views.Of(start.shape[1]);
            var x = Through(changed, start, view);
            foreach (var block in _model.Blocks.Skip(layer + 1)) x = Through(block, x, view);
            sum += start.shape[0] * _model.StreamLoss(x, targets).to(ScalarType.Float64).item<double>();
            windows += start.shape[0];
        }
        return sum / windows;
    }

    private static Tensor Through(TransformerBlock block, Tensor x, CallView view) =>
        block.Forward(x, view.Within(block.SlidingWindow, block.Rotary), null);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (x, targets) in _batches)
        {
            x.Dispose();
            targets.Dispose();
        }
    }
}
