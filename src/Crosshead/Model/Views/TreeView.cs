using Crosshead.Attention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// Tokens that form trees, a tree a row, its nodes in depth-first order: a token follows its parent and sees its
/// ancestors alone, so that sequences which begin alike are computed together and their beginning once.
/// </summary>
internal sealed class TreeView : CallView
{
    private readonly Tensor _cos, _sin; // [B,N,d/2]
    private readonly Tensor _depths, _ends;

    /// <param name="rotary">Angles of positions.</param>
    /// <param name="depths">Each node's position in the sequences it belongs to, [B, N] (int64).</param>
    /// <param name="ends">One past the last of each node's descendants, [B, N] (int32).</param>
    /// <param name="deepest">More than any depth.</param>
    public TreeView(RotaryEmbedding rotary, Tensor depths, Tensor ends, long deepest) : base(deepest)
    {
        (_depths, _ends) = (depths, ends);
        (_cos, _sin) = rotary.Rows(depths, deepest);
    }

    /// <inheritdoc/>
    protected override TokenView Create(long width, bool whole)
    {
        var nodes = arange(_ends.shape[1], ScalarType.Int32, _ends.device);                     // [N]
        // In depth-first order node t is an ancestor of n, or n itself, where t ≤ n < end of t.
        var seen = (nodes.unsqueeze(1) < _ends.unsqueeze(1)).tril();                            // [B,N,T]
        if (!whole)
            seen = seen.logical_and(
                _depths.unsqueeze(2) - _depths.unsqueeze(1) < tensor(width, ScalarType.Int64, device: _ends.device));
        return new TokenView(_cos, _sin, seen.unsqueeze(1), Causal: false) { Ends = whole ? _ends : null };
    }
}
