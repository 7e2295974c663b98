using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// Fits any number of components with one matrix a head. All heads are one vector x. With A = blockdiag(A_g), the error
/// eᵀ A e of an approximation is the least for the leading directions of A^½ E[x xᵀ] A^½.
/// </summary>
internal static class DenseFit
{
    // Only ratios matter. A direction that A ignores keeps this share of the largest, so mixes stay in the range of
    // every precision. If all directions are ignored, they count equally.
    private const double Least = 1e-4, Nothing = 1e-30;

    /// <summary>Fits components.</summary>
    /// <param name="rows">The projection to the heads [g·n, D].</param>
    /// <param name="moments">E[x xᵀ], [g·n, g·n].</param>
    /// <param name="importance">A_g: how much an error of a head matters, [g, n, n].</param>
    /// <param name="rank">Component numbers r.</param>
    /// <returns>The projection to the components [r, D], and their mix [r, g, n].</returns>
    public static (Tensor Rows, Tensor Mix) Of(Tensor rows, Tensor moments, Tensor importance, int rank)
    {
        var (g, n) = (importance.shape[0], importance.shape[1]);
        var (values, vectors) = linalg.eigh(importance);                                             // [g,n], [g,n,n]
        var roots = (values.Plus(Nothing) / values.max().Plus(Nothing)).AtLeast(Least * Least).sqrt();
        Tensor Block(Tensor diagonal) =>
            block_diag([.. vectors.matmul(diagonal.unsqueeze(2) * vectors.transpose(1, 2)).unbind(0)]);
        var (whiten, restore) = (Block(roots), Block(roots.reciprocal()));                           // A^½, A^−½
        var (_, directions) = linalg.eigh(whiten.matmul(moments).matmul(whiten));
        var leading = directions.narrow(1, (g * n) - rank, rank);                                    // U [g·n,r]
        return (leading.t().matmul(whiten).matmul(rows),
            leading.t().matmul(restore).view(rank, g, n).contiguous());
    }
}
