using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// The part of each head that is rotated, and the rest. A head of width d is d/2 pairs (p, p + d/2); the first r/2 are
/// rotated. So the rest, of width u = d − r, is two runs of a head: r/2 … d/2 and d/2 + r/2 … d.
/// </summary>
/// <param name="HeadDim">Head width d.</param>
/// <param name="Rotated">Width r of the rotated part, even.</param>
internal readonly record struct RotatedPart(long HeadDim, long Rotated)
{
    /// <summary>Width u of the rest.</summary>
    public long Rest => HeadDim - Rotated;

    /// <summary>Takes rows of heads apart.</summary>
    /// <param name="rows">[heads·d, n]</param>
    /// <returns>[heads·r, n] and [heads·u, n]</returns>
    public (Tensor Rotated, Tensor Unrotated) Split(Tensor rows)
    {
        var (heads, n) = (rows.shape[0] / HeadDim, rows.shape[1]);
        var pairs = rows.view(heads, 2, HeadDim / 2, n);
        Tensor Part(long from, long count) => pairs.narrow(2, from, count).reshape(heads * 2 * count, n);
        return (Part(0, Rotated / 2), Part(Rotated / 2, Rest / 2));
    }

    /// <summary>Puts rows of heads together again.</summary>
    /// <param name="rotated">[heads·r, n]</param>
    /// <param name="rest">[heads·u, n]</param>
    /// <param name="heads">Number of heads.</param>
    /// <returns>[heads·d, n]</returns>
    public Tensor Join(Tensor rotated, Tensor rest, long heads)
    {
        var n = rotated.shape[1];
        return cat([rotated.view(heads, 2, Rotated / 2, n), rest.view(heads, 2, Rest / 2, n)], 2)
            .reshape(heads * HeadDim, n);
    }

    /// <summary>The rest of heads.</summary>
    /// <param name="heads">[…, d]</param>
    /// <returns>[…, u]</returns>
    public Tensor RestOf(Tensor heads)
    {
        var half = HeadDim / 2;
        return cat([heads.narrow(-1, Rotated / 2, Rest / 2), heads.narrow(-1, half + (Rotated / 2), Rest / 2)], -1);
    }

    /// <summary>Where the numbers of the rest stand in a head: one row each, [u, d], of zeros and a one.</summary>
    public Tensor Places(ScalarType type, Device device)
    {
        var (places, half, first) = (eye(HeadDim, dtype: type, device: device), HeadDim / 2, Rotated / 2);
        return cat([places.narrow(0, first, Rest / 2), places.narrow(0, half + first, Rest / 2)], 0);
    }
}
