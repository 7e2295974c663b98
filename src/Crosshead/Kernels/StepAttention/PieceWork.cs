using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>How the rows of a pass are shared out, on the device.</summary>
/// <param name="Items">What <see cref="PieceList.Write"/> wrote, [n, 8] (int32).</param>
/// <param name="Splits">As it was given.</param>
/// <param name="Scratch">Memory of the device.</param>
internal sealed record PieceWork(Tensor Items, int Splits, PieceScratch Scratch)
{
    /// <summary>Most tokens of a piece.</summary>
    public int MostTokens { get; init; } = PieceList.MostTokens;

    /// <summary>For layers that keep components: how their rows are shared out instead; null for as others.</summary>
    public ComposedWork? Composed { get; init; }
}
