using Crosshead.Kernels.Products;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>
/// Products of heads with the matrix of their group. A group takes one product, so that its matrix is read once for all
/// its heads and sequences.
/// </summary>
internal static class GroupProduct
{
    /// <summary>Row i of head j times the matrix of group G(j).</summary>
    /// <param name="heads">[B, h, N, n]</param>
    /// <param name="matrices">[g, n, m]</param>
    /// <returns>[B, h, N, m]</returns>
    public static Tensor Of(Tensor heads, Tensor matrices)
    {
        // The few rows of a decoding step. A frozen matrix lies in memory as [g,m,n], so that nothing is copied.
        var turned = matrices.transpose(1, 2);
        if (heads.shape[2] == 1 && SkinnyMatMul.SupportsTypes(heads, turned, null))
            return SkinnyMatMul.ApplyGroups(heads, turned);
        var (batch, count, tokens, groups) = (heads.shape[0], heads.shape[1], heads.shape[2], matrices.shape[0]);
        // [g,B·h/g·N,n]
        var rows = heads.reshape(batch, groups, -1, heads.shape[3]).transpose(0, 1).reshape(groups, -1, heads.shape[3]);
        return rows.bmm(matrices).view(groups, batch, count / groups * tokens, -1).transpose(0, 1)
            .reshape(batch, count, tokens, -1);
    }
}
