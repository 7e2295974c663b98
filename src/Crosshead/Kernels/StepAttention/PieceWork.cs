using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>How the rows of a pass are shared out, on the device.</summary>
/// <param name="Items">What <see cref="PieceList.Write"/>, <see cref="EvenPieceList.Write"/> or
/// <see cref="ShareList.Write"/> wrote, [n, 8] (int32).</param>
/// <param name="MostParts">Most blocks of the pieces that have several items.</param>
/// <param name="Scratch">Memory of the device.</param>
internal sealed record PieceWork(Tensor Items, int MostParts, PieceScratch Scratch)
{
    /// <summary>Most tokens of a piece.</summary>
    public int MostTokens { get; init; } = PieceList.MostTokens;

    /// <summary>Of each block the first of its items, [blocks + 1] (int32); null if a block has one item.</summary>
    public Tensor? Starts { get; init; }
}
