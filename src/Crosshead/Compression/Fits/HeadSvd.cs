using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// Fits one scalar per component and head. Rows [g·d, n] are g vectors X of d·n numbers; X ≈ U Λ Vᵀ, cut after c
/// directions.
/// </summary>
internal static class HeadSvd
{
    /// <summary>
    /// Returns components [c·d, n] and a mix [c, g]. Σ_c mix[c, g] · component c has the least sum of squared
    /// differences from head g.
    /// </summary>
    public static (Tensor Components, Tensor Mix) Fit(Tensor rows, long groups, int components)
    {
        var vectors = rows.view(groups, -1);                                        // [g,d·n]
        var (_, directions) = linalg.eigh(vectors.matmul(vectors.t()));             // ascending
        var mix = directions.narrow(1, groups - components, components).t();        // [c,g], orthonormal rows
        return (mix.matmul(vectors).view(components * (rows.shape[0] / groups), -1), mix.contiguous());
    }
}
