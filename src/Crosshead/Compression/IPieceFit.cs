using Crosshead.Compression.Fits;

namespace Crosshead.Compression;

/// <summary>Fits the pieces of one layer.</summary>
internal interface IPieceFit
{
    /// <summary>Fits the keys with a number of components.</summary>
    FittedKeys Keys(CompressionMethod method, int components);

    /// <summary>
    /// Fits the values, or the latent vector, with a number of cached numbers per token. For
    /// <see cref="CompressionMethod.Svd"/> the number must be a multiple of the head width.
    /// </summary>
    FittedValues Values(CompressionMethod method, int rank);

    /// <summary>Fits the keys and the values of a plan; null for whole heads.</summary>
    (FittedKeys? Keys, FittedValues? Values) Of(LayerPlan? plan) =>
        (plan?.KeyComponents is { } c ? Keys(plan.Method, c) : null,
            plan?.ValueRank is { } r ? Values(plan.Method, r) : null);
}
