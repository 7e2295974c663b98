using Crosshead.Model;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression.Search;

/// <summary>
/// Measures the loss with one piece of one layer at another size. Several pieces are measured at once if memory allows.
/// </summary>
/// <param name="model">The original model, to which pieces are fitted.</param>
/// <param name="calibration">Statistics for the fits.</param>
/// <param name="streams">The residual streams before the layer, in the model in which pieces are tried.</param>
internal sealed class PieceMeter(LanguageModel model, Calibration calibration, ResidualStates streams)
{
    /// <summary>Returns the losses of the pieces, in their order.</summary>
    /// <param name="layer">Index of the layer; the streams must be those before this layer.</param>
    /// <param name="pieces">The pieces.</param>
    /// <param name="plan">The plan of the layer; null for whole heads. A piece of the keys is measured with the plan's
    /// values, and a piece of the values with the plan's keys.</param>
    /// <param name="done">Called after each piece, by one thread at a time.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public double[] Losses(int layer, IReadOnlyList<Piece> pieces, LayerPlan? plan, Action done,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var fit = PieceFit.Of(model, layer, calibration);
        var (planned, losses) = (fit.Of(plan), new double[pieces.Count]);
        using var variants = new Variants(pieces.Select(p => CompressedLayer.Create(model, layer,
            p.OfKeys ? (p.Size == 0 ? null : fit.Keys(p.Method, p.Size)) : planned.Keys,
            p.OfKeys ? planned.Values : p.Size == 0 ? null : fit.Values(p.Method, p.Size))));
        var reported = new Lock();
        ParallelForwards.Run(pieces.Count, streams.Workers, i =>
        {
            losses[i] = streams.LossFrom(layer, variants[i].Attention, cancellation);
            lock (reported) done();
        });
        cancellation.ThrowIfCancellationRequested();
        return losses;
    }

    // The fitted layers. All are created before the first is measured: fits belong to the thread that creates them.
    private sealed class Variants(IEnumerable<DetachedAttention> layers) : IDisposable
    {
        private readonly DetachedAttention[] _layers = [.. layers];

        public DetachedAttention this[int index] => _layers[index];

        public void Dispose()
        {
            foreach (var layer in _layers) layer.Dispose();
        }
    }
}
