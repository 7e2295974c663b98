using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>Fits the pieces of one layer by either method.</summary>
/// <param name="heads">The layer's whole heads.</param>
/// <param name="statistics">Statistics of the heads on text; null if only <see cref="CompressionMethod.Svd"/> is
/// used.</param>
internal sealed class PieceFit(PlainHeads heads, HeadStatistics? statistics) : IPieceFit
{
    /// <summary>Prepares the fits of a layer. Their tensors belong to the surrounding scope.</summary>
    /// <exception cref="CrossheadException">The layer's weights are not finite, or its mechanism has no
    /// components.</exception>
    public static IPieceFit Of(LanguageModel model, int layer, Calibration? calibration)
    {
        if (CompressedLayer.LatentSource(model, layer) is { } latent)
            return new LatentFit(latent, model.Options.Attention.Latent!,
                calibration?[layer] as LatentStatistics ?? throw LatentFit.SvdRefusal);
        var heads = PlainHeads.Of(CompressedLayer.Source(model, layer));
        if (!new[] { heads.Keys, heads.Values, heads.OutputMoments }.All(w => w.isfinite().all().item<bool>()))
            throw new CrossheadException($"attention weights of layer {layer} are NaN or infinite; the model is "
                + $"damaged, restore it or leave the layer out with {MessageTerm.Layers}.");
        return new PieceFit(heads, calibration?[layer] as HeadStatistics);
    }

    /// <inheritdoc/>
    public FittedKeys Keys(CompressionMethod method, int components) => method == CompressionMethod.Svd
        ? KeyFit.Svd(heads, components)
        : KeyFit.Fine(heads, Statistics, components, Statistics.Part);

    /// <inheritdoc/>
    public FittedValues Values(CompressionMethod method, int rank) => method == CompressionMethod.Svd
        ? ValueFit.Svd(heads, rank / (int)heads.HeadDim)
        : ValueFit.Dense(heads, Statistics, rank);

    private HeadStatistics Statistics =>
        statistics ?? throw new InvalidOperationException("the fit needs statistics of text.");
}
