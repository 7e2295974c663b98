using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>Fits of the pieces of one layer by either method.</summary>
/// <param name="heads">The layer's whole heads.</param>
/// <param name="statistics">Their statistics on text; null for <see cref="CompressionMethod.Svd"/> only.</param>
internal sealed class PieceFit(PlainHeads heads, HeadStatistics? statistics)
{
    /// <summary>The fits of a layer; tensors belong to the surrounding scope.</summary>
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

    /// <summary>Fits keys with a number of components.</summary>
    public FittedKeys Keys(CompressionMethod method, int components) => method == CompressionMethod.Svd
        ? KeyFit.Svd(heads, components)
        : KeyFit.Frequency(heads, Statistics, components);

    /// <summary>
    /// Fits values with a number of numbers per token, a multiple of d for <see cref="CompressionMethod.Svd"/>.
    /// </summary>
    public FittedValues Values(CompressionMethod method, int rank) => method == CompressionMethod.Svd
        ? ValueFit.Svd(heads, rank / (int)heads.HeadDim)
        : ValueFit.Dense(heads, Statistics, rank);

    /// <summary>Fits both parts for a plan; null for whole heads.</summary>
    public (FittedKeys? Keys, FittedValues? Values) Of(LayerPlan? plan) =>
        (plan?.KeyComponents is { } c ? Keys(plan.Method, c) : null,
            plan?.ValueRank is { } r ? Values(plan.Method, r) : null);

    private HeadStatistics Statistics =>
        statistics ?? throw new InvalidOperationException("the fit needs statistics of text.");
}
