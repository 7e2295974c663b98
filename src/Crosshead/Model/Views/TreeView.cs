using Crosshead.Attention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// Tokens that form trees: one tree per row, with its nodes in depth-first order. A token follows its parent and sees
/// only its ancestors and itself. So sequences with a common beginning are computed together, and their beginning once.
/// </summary>
internal sealed class TreeView : CallView
{
    private readonly Tensor _depths, _ends;
    private readonly long _deepest;

    /// <param name="rotary">Rotary angles by position.</param>
    /// <param name="depths">Position of each node in its sequences, [B, N] (int64).</param>
    /// <param name="ends">Index after the last descendant of each node, [B, N] (int32).</param>
    /// <param name="deepest">A number greater than any depth.</param>
    public TreeView(RotaryTables rotary, Tensor depths, Tensor ends, long deepest) : base(rotary, deepest, deepest) =>
        (_depths, _ends, _deepest) = (depths, ends, deepest);

    /// <inheritdoc/>
    protected override (Tensor Cos, Tensor Sin, Tensor? QueryFactors) Angles(RotaryEmbedding rotary)
    {
        var (cos, sin) = rotary.Rows(_depths, _deepest);                                        // [B,N,d/2]
        return (cos, sin, rotary.QueryFactors(_depths));
    }

    /// <inheritdoc/>
    protected override TokenView Create(long width, bool whole, Tensor cos, Tensor sin)
    {
        var nodes = arange(_ends.shape[1], ScalarType.Int32, _ends.device);                     // [N]
        // In depth-first order node t is n or an ancestor of n if t ≤ n < end of t.
        var seen = (nodes.unsqueeze(1) < _ends.unsqueeze(1)).tril();                            // [B,N,T]
        if (!whole)
            seen = seen.logical_and(
                _depths.unsqueeze(2) - _depths.unsqueeze(1) < tensor(width, ScalarType.Int64, device: _ends.device));
        return new TokenView(cos, sin, seen.unsqueeze(1), Causal: false) { Ends = whole ? _ends : null };
    }
}
