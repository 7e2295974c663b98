using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Compression.Search;

/// <summary>
/// Measures the loss with one piece of one layer at another size. Several pieces are measured at once if memory allows.
/// </summary>
/// <param name="model">The original model, to which pieces are fitted.</param>
/// <param name="calibration">Statistics for the fits.</param>
/// <param name="streams">The residual streams before the layer, in the model in which pieces are tried.</param>
/// <param name="communicator">The ranks that share the pieces.</param>
internal sealed class PieceMeter(LanguageModel model, Calibration calibration, ResidualStates streams,
    ICommunicator communicator)
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
        communicator.Activity = $"layer {layer}";
        var fit = PieceFit.Of(model, layer, calibration);
        var planned = fit.Of(plan);
        var own = Enumerable.Range(0, pieces.Count).Where(i => i % communicator.Ranks == communicator.Rank)
            .Select(i => (Index: i, Loss: double.NaN)).ToArray();
        using var variants = new Variants(own.Select(o => pieces[o.Index]).Select(p => CompressedLayer.Create(
            model, layer, p.OfKeys ? (p.Size == 0 ? null : fit.Keys(p.Method, p.Size)) : planned.Keys,
            p.OfKeys ? planned.Values : p.Size == 0 ? null : fit.Values(p.Method, p.Size))));
        var reported = new Lock();
        ParallelForwards.Run(own.Length, streams.Workers, i =>
        {
            own[i].Loss = streams.LossFrom(layer, variants[i].Attention, cancellation);
            lock (reported) done();
        });
        communicator.ThrowIfCancelled(cancellation);
        var losses = new double[pieces.Count];
        foreach (var (index, loss) in communicator.AllGather<(int, double)>(own)) losses[index] = loss;
        for (var i = own.Length; i < pieces.Count; i++) done(); // those of the other ranks
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
