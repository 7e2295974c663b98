using Crosshead.Attention.Composition;
using Crosshead.Runtime;

namespace Crosshead.Compression.Fits;

/// <summary>Fits of value components, in closed form and float64.</summary>
internal static class ValueFit
{
    // A head counts at least as one with this share of the largest mean square.
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
    /// Fits values by their leading principal directions over the text, with all heads in one vector. The output
    /// projection weights the directions: A_g = Σ_i W_O,iᵀ W_O,i over the query heads of a group (<see
    /// cref="DenseFit"/>).
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
        var (rows, mix) = DenseFit.Of(heads.Values, moments, importance, rank);
        var (weight, bias) = heads.Split(rows);
        return new FittedValues(ValueGrain.Dense, weight, bias, mix);
    }
}
