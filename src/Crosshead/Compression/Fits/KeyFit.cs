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
        return new FittedKeys(KeyGrain.Head, components, weight, bias, mix);
    }

    /// <summary>
    /// Fits keys as finely as their rotation allows: per frequency what is rotated, by matrices what is not.
    /// </summary>
    /// <param name="heads">The layer's whole heads.</param>
    /// <param name="statistics">Statistics of the heads on text.</param>
    /// <param name="components">Number of components c.</param>
    /// <param name="part">What takes one number per frequency: at least what the layer rotates.</param>
    public static FittedKeys Fine(PlainHeads heads, HeadStatistics statistics, int components, RotatedPart part)
    {
        var (rotated, rest) = part.Split(heads.Keys);                                        // [g·r,n], [g·u,n]
        Tensor? mix = null, restMix = null;
        if (part.Rotated > 0) (rotated, mix) = Frequencies(heads, rotated, statistics, components, part.Rotated / 2);
        else rotated = rotated.narrow(0, 0, 0);
        if (part.Rest > 0)
            (rest, restMix) = DenseFit.Of(rest, statistics.RestKeyMoments.Over(statistics.Tokens),
                RestImportance(statistics), components * (int)part.Rest);
        var (weight, bias) = heads.Split(part.Join(rotated, rest, components));
        return new FittedKeys(part.Rest > 0 ? KeyGrain.Partial : KeyGrain.Frequency, components, weight, bias, mix,
            restMix);
    }

    // The leading directions of the heads' complex z_p over the text, for each frequency. Each head is weighted by the
    // size of its queries at that frequency, because this size determines how much an error changes the scores.
    private static (Tensor Rows, Tensor Mix) Frequencies(PlainHeads heads, Tensor rows, HeadStatistics statistics,
        int components, long pairs)
    {
        var importance = Importance(heads, statistics).narrow(0, 0, pairs);                              // s [p,g]
        var weights = importance.unsqueeze(2) * importance.unsqueeze(1);
        var (_, vectors) = linalg.eigh(statistics.KeyMoments.narrow(0, 0, pairs) * weights);  // ascending, [p,g,g]
        var leading = vectors.narrow(2, heads.Groups - components, components);                          // U [p,g,c]
        // component_c = Σ_g s_g U[g, c] z_g; the reverse is z_g = Σ_c conj(U[g, c]) / s_g component_c
        var (real, imaginary) = (leading.real, leading.imag);
        var encode = importance.unsqueeze(2);
        var encoded = FrequencyComposition.Compose((real * encode).permute(1, 2, 0),
            (imaginary * encode).permute(1, 2, 0), rows);
        return (encoded, stack([real / encode, imaginary.neg() / encode], 3).permute(2, 1, 0, 3).contiguous());
    }

    // An error e of a key head changes the scores by ⟨q, e⟩ for each of its queries, times the factor of the key norm.
    private static Tensor RestImportance(HeadStatistics statistics) => statistics.RestQueryMoments
        * statistics.KeyScaleSquares.Over(statistics.Tokens).view(-1, 1, 1);

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
