using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.PeerSums;

/// <summary>
/// Where the product before a sum over GPUs writes its numbers itself, so that they are with the others before it ends
/// (<c>peer_lines.cuh</c>). The next sum of this rank must be of that product.
/// </summary>
/// <param name="memory">The memory of the ranks.</param>
/// <param name="rank">The rank.</param>
internal sealed class PeerLines(PeerMemory memory, int rank)
{
    private const int NumbersOfLine = 4, Tile = 16;

    /// <summary>The macros of kernels that send nothing.</summary>
    public static string[] NoDefines { get; } = ["RANKS=0", "LINES=0"];

    /// <summary>The macros of kernels that send.</summary>
    public string[] Defines { get; } = [$"RANKS={memory.Ranks}", $"LINES={PeerMemory.Lines}"];

    /// <summary>The parameters of kernels that send.</summary>
    public KernelArgument[] Arguments { get; } = memory.SendArguments(rank);

    /// <summary>Whether so many numbers can be sent.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="width">Numbers of a row.</param>
    public static bool Supports(long rows, long width) =>
        width % Tile == 0 && rows * width <= (long)PeerMemory.Lines * NumbersOfLine;

    /// <summary>Says that a kernel was queued that writes a tensor and sends it.</summary>
    /// <param name="part">The tensor.</param>
    public void Sent(Tensor part) => memory.Sent(rank, part);
}
