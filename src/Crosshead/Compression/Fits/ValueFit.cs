using Crosshead.Attention.Composition;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>Fits of value components, in closed form and float64.</summary>
internal static class ValueFit
{
    // Only ratios matter. A direction that the output ignores keeps this share of the largest, so mixes stay in the
    // range of every precision. If all directions are ignored, they count equally.
    private const double Least = 1e-4, Nothing = 1e-30;

    /// <summary>
    /// Fits values by the paper's method: the leading singular directions of the heads' projections, with each head as
    /// one long vector (arXiv 2601.19611, §5.2 and appendix F).
    /// </summary>
    public static FittedValues Svd(PlainHeads heads, int components)
    {
        var (rows, mix) = HeadSvd.Fit(heads.Values, heads.Groups, components);
        var (weight, bias) = heads.Split(rows);
        return new FittedValues(ValueGrain.Head, weight, bias, mix);
    }

    /// <summary>
    /// Fits values by their leading principal directions over the text, with all heads in one vector v. The output
    /// projection weights the directions. With A = blockdiag(Σ_i W_O,iᵀ W_O,i), they are the leading directions of A^½
    /// E[v vᵀ] A^½.
    /// </summary>
    public static FittedValues Dense(PlainHeads heads, HeadStatistics statistics, int rank)
    {
        var (g, d) = (heads.Groups, heads.HeadDim);
        var moments = statistics.ValueMoments.Over(statistics.Tokens);                                   // [g·d,g·d]
        var importance = heads.OutputMoments;
        if (heads.NormedOutputs)
        {
            // A norm makes each head's output equally large, whatever the size of its values.
            var energy = moments.diagonal().view(g, d).mean([1]);
            importance = importance / energy.AtLeast((energy.max().item<double>() * Least) + Nothing).view(g, 1, 1);
        }
        var (values, vectors) = linalg.eigh(importance);                                             // [g,d], [g,d,d]
        var roots = (values.Plus(Nothing) / values.max().Plus(Nothing)).AtLeast(Least * Least).sqrt();
        Tensor Block(Tensor diagonal) =>
            block_diag([.. vectors.matmul(diagonal.unsqueeze(2) * vectors.transpose(1, 2)).unbind(0)]);
        var (whiten, restore) = (Block(roots), Block(roots.reciprocal()));                           // A^½, A^−½
        var (_, directions) = linalg.eigh(whiten.matmul(moments).matmul(whiten));
        var leading = directions.narrow(1, (g * d) - rank, rank);                                    // U [g·d,r]
        var (weight, bias) = heads.Split(leading.t().matmul(whiten).matmul(heads.Values));
        return new FittedValues(ValueGrain.Dense, weight, bias,
            leading.t().matmul(restore).view(rank, g, d).contiguous());
    }
}
