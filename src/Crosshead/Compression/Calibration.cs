using Crosshead.Compression.Fits;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>Runs text through a model and collects the statistics for the fits of each layer.</summary>
public sealed class Calibration : IDisposable
{
    private readonly ILayerStatistics[] _layers;

    private Calibration(ILayerStatistics[] layers) => _layers = layers;

    /// <summary>Number of tokens seen.</summary>
    public long Tokens => _layers[0].Tokens;

    internal ILayerStatistics this[int layer] => _layers[layer];

    /// <summary>
    /// Runs the windows through the model, batch by batch. The memory does not depend on the number of windows.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="windows">The text.</param>
    /// <param name="batch">Number of windows computed at once.</param>
    /// <param name="progress">Called with the number of finished windows.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="CrossheadException">The model's attention has no components, the text is too short to
    /// distinguish directions, or activations are not finite.</exception>
    public static Calibration Run(LanguageModel model, TokenWindows windows, int batch,
        IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        Require(model.Options, windows);
        using var grad = no_grad();
        var layers = Enumerable.Range(0, model.Options.Layers)
            .Select(i => StatisticsOf(model, i)).ToArray();
        try
        {
            var done = 0L;
            foreach (var ids in windows.Batches(batch, model.Device))
            {
                using var scope = NewDisposeScope();
                using (ids)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Add(model, layers, ids);
                }
                progress?.Report(done = Math.Min(windows.Count, done + batch));
            }
            if (Array.FindIndex(layers, l => !l.IsFinite) is >= 0 and var damaged)
                throw new CrossheadException(
                    $"queries, keys or values of layer {damaged} are no finite numbers on the calibration text; the "
                    + $"model's weights are damaged or out of range, check them with: {MessageTerm.Verification}.");
            return new Calibration(layers);
        }
        catch
        {
            foreach (var layer in layers) layer.Dispose();
            throw;
        }
    }

    /// <summary>Checks that windows have enough text to calibrate a model.</summary>
    /// <exception cref="CrossheadException">The text is too short to distinguish directions.</exception>
    internal static void Require(ModelOptions model, TokenWindows windows)
    {
        var least = (long)PlainCache.Of(model).Values;
        var tokens = (long)windows.Count * windows.Length;
        if (tokens < 2 * least)
            throw new CrossheadException(
                $"the calibration text has {tokens} tokens; {2 * least} are the least that tell {least} value "
                + $"directions apart (2 a number), {20 * least} or more are better; give a longer text.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in _layers) layer.Dispose();
    }

    private static ILayerStatistics StatisticsOf(LanguageModel model, int layer) =>
        CompressedLayer.LatentSource(model, layer) is { } latent
            ? new LatentStatistics(latent, model.Options.Attention, model.Options.Attention.Latent!)
            : new HeadStatistics(CompressedLayer.Source(model, layer), model.Options.AttentionOf(layer));

    private static void Add(LanguageModel model, ILayerStatistics[] layers, Tensor ids)
    {
        var x = model.Embed(ids);
        var view = model.Views.Of(ids.shape[1]);
        // Layers share masks, so the masks must outlive the scope of each layer.
        var seen = model.Blocks.Select(b => view.Within(b.SlidingWindow, b.Rotary)).ToArray();
        for (var i = 0; i < layers.Length; i++)
        {
            using var scope = NewDisposeScope();
            var block = model.Blocks[i];
            layers[i].Add(block.AttentionInput(x));
            x = block.Forward(x, seen[i], null).MoveToOuterDisposeScope();
        }
    }
}
