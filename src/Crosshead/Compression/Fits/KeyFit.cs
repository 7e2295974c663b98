using Crosshead.Attention.Composition;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>Fits of key components, in closed form and float64.</summary>
internal static class KeyFit
{
    /// <summary>
    /// Fits keys by the paper's method: the leading singular directions of the heads' projections, with each head as
    /// one long vector (arXiv 2601.19611, §5.2 and appendix F).
    /// </summary>
    public static FittedKeys Svd(PlainHeads heads, int components)
    {
        var (rows, mix) = HeadSvd.Fit(heads.Keys, heads.Groups, components);
        var (weight, bias) = heads.Split(rows);
        return new FittedKeys(KeyGrain.Head, weight, bias, mix);
    }

    /// <summary>
    /// Fits keys per frequency: the leading directions of the heads' complex z_p over the text. Each head is weighted
    /// by the size of its queries at that frequency, because this size determines how much an error changes the scores.
    /// </summary>
    public static FittedKeys Frequency(PlainHeads heads, HeadStatistics statistics, int components)
    {
        var (g, half) = (heads.Groups, heads.HeadDim / 2);
        var importance = Importance(heads, statistics);                                                  // s [p,g]
        var weights = importance.unsqueeze(2) * importance.unsqueeze(1);
        var (_, vectors) = linalg.eigh(statistics.KeyMoments * weights);  // ascending, [p,g,g]
        var leading = vectors.narrow(2, g - components, components);                                     // U [p,g,c]
        // component_c = Σ_g s_g U[g, c] z_g; the reverse is z_g = Σ_c conj(U[g, c]) / s_g component_c
        var (real, imaginary) = (leading.real, leading.imag);
        var encode = importance.unsqueeze(2);
        var rows = FrequencyComposition.Compose((real * encode).permute(1, 2, 0),
            (imaginary * encode).permute(1, 2, 0), heads.Keys);
        var (weight, bias) = heads.Split(rows);
        var mix = stack([real / encode, imaginary.neg() / encode], 3).permute(2, 1, 0, 3).contiguous();  // [c,g,p,2]
        return new FittedKeys(KeyGrain.Frequency, weight, bias, mix);
    }

    // Only ratios between heads matter. A head without queries has this minimum, so its components stay in the range of
    // every precision. If no head has queries, all heads count equally.
    private const double Least = 1e-4, Nothing = 1e-30;

    // RMS over the text of a key head's queries at each frequency (pairs p, p + d/2), times the RMS of the key norm's
    // factor.
    private static Tensor Importance(PlainHeads heads, HeadStatistics statistics)
    {
        var (g, half) = (heads.Groups, heads.HeadDim / 2);
        var squares = statistics.QuerySquares.view(g, -1, 2, half).sum(2).sum(1).Over(statistics.Tokens);    // [g,p]
        var scaled = squares * statistics.KeyScaleSquares.Over(statistics.Tokens).unsqueeze(1);
        var roots = scaled.sqrt().t();                                                                   // [p,g]
        return (roots.Plus(Nothing) / roots.amax([1], keepdim: true).Plus(Nothing)).AtLeast(Least);
    }
}
