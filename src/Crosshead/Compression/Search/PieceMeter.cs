using Crosshead.Model;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression.Search;

/// <summary>
/// Measures the loss with one piece of one layer at another size, several pieces at a time where memory allows.
/// </summary>
/// <param name="model">The model before compression, to which pieces are fitted.</param>
/// <param name="calibration">Statistics for the fits.</param>
/// <param name="streams">The text before the layer, within the model that the piece is tried in.</param>
internal sealed class PieceMeter(LanguageModel model, Calibration calibration, ResidualStates streams)
{
    /// <summary>The losses of the pieces, in their order.</summary>
    /// <param name="layer">The layer, which the streams stand before.</param>
    /// <param name="pieces">The pieces.</param>
    /// <param name="plan">What the layer is otherwise: a piece of the keys goes with the values of the plan, and vice
    /// versa; null for whole heads.</param>
    /// <param name="done">Called after each piece, one call at a time.</param>
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

    // The fitted layers, made before any of them is measured: fits belong to the thread that makes them.
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
