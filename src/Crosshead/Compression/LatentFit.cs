using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Compression.Fits;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>
/// Fits components of a layer's latent vectors, in closed form and float64. The cache keeps P c of the latent vector c
/// after its norm, and the projections W to keys and values become W R, where R P c is nearest to c. With as many
/// components as numbers R P is 1.
/// <para>
/// An error e of c changes the scores by q W_k e and the outputs by W_O W_v e. Both count as shares of their size on
/// the text: M = M_k / ⟨M_k, C⟩ + M_v / ⟨M_v, C⟩ with C = E[c cᵀ], M_k = Σ_i W_k,iᵀ E[q_i q_iᵀ] W_k,i and
/// M_v = Σ_i W_v,iᵀ W_O,iᵀ W_O,i W_v,i. The components are the leading directions of M^½ C M^½.
/// </para>
/// </summary>
/// <param name="attention">The layer.</param>
/// <param name="options">Its shape.</param>
/// <param name="statistics">Statistics of the layer on text.</param>
internal sealed class LatentFit(LatentAttention attention, LatentOptions options, LatentStatistics statistics)
    : IPieceFit
{
    // A direction that nothing reads keeps this share of the most important one, so that factors stay in range.
    private const double Least = 1e-4, Nothing = 1e-30;

    private readonly (Tensor Whiten, Tensor Restore, Tensor Directions) _whole = Whole(attention, options, statistics);

    /// <summary>What refuses <see cref="CompressionMethod.Svd"/>.</summary>
    public static CrossheadException SvdRefusal => new($"{MessageTerm.Method} svd is for heads; latent attention has "
        + $"one latent vector a token, which {MessageTerm.Method} fine makes smaller.");

    /// <inheritdoc/>
    public FittedKeys Keys(CompressionMethod method, int components) => throw new CrossheadException(
        "the rotated key of latent attention is one for all heads and stays whole; give a value rank alone.");

    /// <inheritdoc/>
    public FittedValues Values(CompressionMethod method, int rank)
    {
        if (method == CompressionMethod.Svd) throw SvdRefusal;
        var leading = _whole.Directions.narrow(1, options.Rank - rank, rank);                     // [rank,r]
        return new FittedValues(ValueGrain.Dense, leading.t().matmul(_whole.Whiten).contiguous(), null,
            Projection(attention).matmul(_whole.Restore).matmul(leading).contiguous());
    }

    /// <summary>The projection from whole latent vectors to keys and values, in float64.</summary>
    public static Tensor Projection(LatentAttention attention)
    {
        var own = attention.KeysAndValues.Weight.In(ScalarType.Float64);                          // [h·(p+v),kept]
        return attention.Components is { } components ? own.matmul(components.Weight.In(ScalarType.Float64)) : own;
    }

    private static (Tensor, Tensor, Tensor) Whole(LatentAttention attention, LatentOptions options,
        LatentStatistics statistics)
    {
        var made = Projection(attention).view(-1, options.PlainWidth + options.ValueWidth, options.Rank);
        var (keys, values) = (made.narrow(1, 0, options.PlainWidth),
            made.narrow(1, options.PlainWidth, options.ValueWidth));                              // [h,p,k], [h,v,k]
        var moments = statistics.Latents.Over(statistics.Tokens);                                 // C [k,k]
        var output = attention.Output.Weight.In(ScalarType.Float64)
            .view(-1, keys.shape[0], options.ValueWidth).permute(1, 0, 2);                        // [h,D,v]
        var ofKeys = keys.transpose(1, 2).matmul(statistics.Queries).matmul(keys).sum([0L]);
        var read = output.matmul(values);                                                         // [h,D,k]
        var ofValues = read.transpose(1, 2).matmul(read).sum([0L]);
        Tensor Share(Tensor metric) => metric / (metric * moments).sum().Plus(Nothing);
        var (sizes, vectors) = linalg.eigh(Share(ofKeys) + Share(ofValues));
        var roots = (sizes.AtLeast(0) / sizes.max().Plus(Nothing)).AtLeast(Least * Least).sqrt();
        var whiten = (vectors * roots).matmul(vectors.t());
        var restore = (vectors * roots.reciprocal()).matmul(vectors.t());
        return (whiten, restore, linalg.eigh(whiten.matmul(moments).matmul(whiten)).Item2);
    }
}
