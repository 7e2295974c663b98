using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>Fits the pieces of one layer by either method.</summary>
/// <param name="heads">The layer's whole heads.</param>
/// <param name="statistics">Statistics of the heads on text; null if only <see cref="CompressionMethod.Svd"/> is
/// used.</param>
internal sealed class PieceFit(PlainHeads heads, HeadStatistics? statistics)
{
    /// <summary>Prepares the fits of a layer. Their tensors belong to the surrounding scope.</summary>
    /// <exception cref="CrossheadException">The layer's weights are not finite, or its mechanism has no
    /// components.</exception>
    public static PieceFit Of(LanguageModel model, int layer, Calibration? calibration)
    {
        var heads = PlainHeads.Of(CompressedLayer.Source(model, layer));
        if (!new[] { heads.Keys, heads.Values, heads.OutputMoments }.All(w => w.isfinite().all().item<bool>()))
            throw new CrossheadException($"attention weights of layer {layer} are NaN or infinite; the model is "
                + $"damaged, restore it or leave the layer out with {MessageTerm.Layers}.");
        return new PieceFit(heads, calibration?[layer]);
    }

    /// <summary>Fits the keys with a number of components.</summary>
    public FittedKeys Keys(CompressionMethod method, int components) => method == CompressionMethod.Svd
        ? KeyFit.Svd(heads, components)
        : KeyFit.Frequency(heads, Statistics, components);

    /// <summary>
    /// Fits the values with a number of cached numbers per token. For <see cref="CompressionMethod.Svd"/> the number
    /// must be a multiple of d.
    /// </summary>
    public FittedValues Values(CompressionMethod method, int rank) => method == CompressionMethod.Svd
        ? ValueFit.Svd(heads, rank / (int)heads.HeadDim)
        : ValueFit.Dense(heads, Statistics, rank);

    /// <summary>Fits the keys and the values of a plan; null for whole heads.</summary>
    public (FittedKeys? Keys, FittedValues? Values) Of(LayerPlan? plan) =>
        (plan?.KeyComponents is { } c ? Keys(plan.Method, c) : null,
            plan?.ValueRank is { } r ? Values(plan.Method, r) : null);

    private HeadStatistics Statistics =>
        statistics ?? throw new InvalidOperationException("the fit needs statistics of text.");
}
