using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>Heads that are composed for rows of a pass, and the rows that read them.</summary>
/// <param name="Pieces">The rows.</param>
/// <param name="Others">One past the last row that reads components instead, [1] (int32).</param>
/// <param name="Pages">The pages to compose, [n] (int32); the list ends before the first number below 0.</param>
/// <param name="Table">Of each row, its pages among those composed, [B, m] (int32).</param>
/// <param name="Keys">Memory for the composed keys of a layer.</param>
/// <param name="Values">As <paramref name="Keys"/>.</param>
internal sealed record ComposedHeads(
    PieceWork Pieces, Tensor Others, Tensor Pages, Tensor Table, Tensor Keys, Tensor Values)
{
    /// <summary>Memory for the heads of the pages, [n, g, P, d].</summary>
    /// <param name="memory"><see cref="Keys"/> or <see cref="Values"/>.</param>
    /// <param name="heads">Heads g.</param>
    /// <param name="headDim">Head width d.</param>
    public Tensor Room(Tensor memory, long heads, long headDim)
    {
        var each = memory.numel() / Pages.shape[0];
        return memory.view(Pages.shape[0], heads, each / (heads * headDim), headDim);
    }
}
