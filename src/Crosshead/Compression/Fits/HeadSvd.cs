using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// The plain fit of scalars: rows [g·d, n] as g vectors X of d·n numbers; X ≈ U Λ Vᵀ, cut after c directions.
/// </summary>
internal static class HeadSvd
{
    /// <summary>
    /// Components [c·d, n] and mix [c, g] with Σ_c mix[c, g] · component c nearest to head g in the sum of squares.
    /// </summary>
    public static (Tensor Components, Tensor Mix) Fit(Tensor rows, long groups, int components)
    {
        var vectors = rows.view(groups, -1);                                        // [g,d·n]
        var (_, directions) = linalg.eigh(vectors.matmul(vectors.t()));             // ascending
        var mix = directions.narrow(1, groups - components, components).t();        // [c,g], orthonormal rows
        return (mix.matmul(vectors).view(components * (rows.shape[0] / groups), -1), mix.contiguous());
    }
}
