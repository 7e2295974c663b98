using Crosshead.Attention;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>The residual streams of all windows before a layer, batch by batch, kept while the pieces of that layer are measured.</summary>
internal sealed class Streams : IDisposable
{
    private readonly LanguageModel _model;
    private readonly (Tensor X, Tensor Targets)[] _batches; // [B,N,D], [B,N]

    public Streams(LanguageModel model, TokenWindows windows, int batch)
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

    /// <summary>Moves all streams through a layer.</summary>
    public void Advance(int layer, CancellationToken cancellation)
    {
        for (var b = 0; b < _batches.Length; b++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var (x, targets) = _batches[b];
            var block = _model.Blocks[layer];
            _batches[b] = (block.Forward(x, _model.SpansOf(x.shape[1]).Within(block.SlidingWindow), null).DetachFromDisposeScope(), targets);
            x.Dispose();
        }
    }

    /// <summary>Mean loss over the windows where a layer, which the streams stand before, has another attention.</summary>
    public double LossFrom(int layer, IAttention attention, CancellationToken cancellation)
    {
        var (sum, windows) = (0.0, 0L);
        var changed = _model.Blocks[layer].With(attention);
        foreach (var (start, targets) in _batches)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var spans = _model.SpansOf(start.shape[1]);
            var x = start;
            foreach (var block in _model.Blocks.Skip(layer + 1).Prepend(changed)) x = block.Forward(x, spans.Within(block.SlidingWindow), null);
            sum += start.shape[0] * _model.StreamLoss(x, targets).to(ScalarType.Float64).item<double>();
            windows += start.shape[0];
        }
        return sum / windows;
    }

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
