using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>The sizes of one layer's cache. A layer without sizes stays unchanged.</summary>
/// <param name="Method">The method that fits the components.</param>
/// <param name="KeyComponents">Number of key components of width d; null for whole key heads.</param>
/// <param name="ValueRank">Number of cached value numbers per token; null for whole value heads.</param>
public sealed record LayerPlan(CompressionMethod Method, int? KeyComponents, int? ValueRank)
{
    /// <summary>Checks that the sizes make the layer's cache smaller.</summary>
    /// <param name="model">The model's shape.</param>
    /// <exception cref="CrossheadException">A size is out of range.</exception>
    public void Validate(ModelOptions model)
    {
        var (groups, headDim, whole) = PlainCache.Of(model);
        var latent = model.Attention.Latent is not null;
        if (latent && Method == CompressionMethod.Svd) throw LatentFit.SvdRefusal;
        if (latent && KeyComponents is not null)
            throw new CrossheadException("the rotated key of latent attention is one for all heads and stays whole; "
                + $"choose a value rank of 1 to {whole - 1}, the numbers of the latent vector that are kept.");
        if (KeyComponents is { } only && groups == 1)
            throw new CrossheadException($"the model has 1 key/value head, which {only} components make no smaller; "
                + $"leave the keys whole and choose a value rank of 1 to {headDim - 1}.");
        if (KeyComponents is { } c && (c < 1 || c >= groups))
            throw new CrossheadException(
                $"{c} key components of {groups} heads make nothing smaller; use 1 to {groups - 1}.");
        if (ValueRank is { } r && (r < 1 || r >= whole || (Method == CompressionMethod.Svd && r % headDim != 0)))
            throw new CrossheadException($"a value rank of {r} is out of range; use 1 to {whole - 1}"
                + $"{(Method == CompressionMethod.Svd ? $", a multiple of {headDim} with the method svd" : "")}.");
    }
}
