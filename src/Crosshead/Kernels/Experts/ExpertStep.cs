using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Experts;

/// <summary>
/// The experts of one or two tokens on a CUDA device, by two kernels behind the router's product
/// (<c>expert_step.cu</c>). They choose the experts themselves, and the second adds the outputs up.
/// </summary>
internal static class ExpertStep
{
    // With more tokens several share an expert, whose weights should be read once.
    private const int MostTokens = 2, MostChosen = 64;

    private const int Tile = 16, Step = 32, Threads = 256, Warps = Threads / 32;

    // Steps of a warp that are read at once: of gate and up, and of down.
    private const int GateDepth = 4, DownDepth = 12;

    private static readonly Lazy<string> Source = new(() => KernelText.Read("bfloat16.cuh", "tensor_cores.cuh",
        "launches.cuh", "expert_choice.cuh", "expert_step.cu"));

    /// <summary>Whether <see cref="Apply"/> takes so many.</summary>
    public static bool Supports(ExpertChoice choice) =>
        choice.Tokens <= MostTokens && choice.Rule.PerToken <= MostChosen;

    /// <summary>Σ_j weight_j · down_j (silu(gate_j x) · up_j x) over the experts j of each token.</summary>
    /// <param name="x">[T, D] (bfloat16)</param>
    /// <param name="gateUp">[E, 2·I, D]: gate, then up.</param>
    /// <param name="down">[E, D, I]</param>
    /// <param name="choice">The experts; their logits may not be what the kernel just before writes.</param>
    /// <returns>[T, D]</returns>
    public static Tensor Apply(Tensor x, Tensor gateUp, Tensor down, ExpertChoice choice)
    {
        x = RowKernel.Dense(x);
        var (tokens, width, innerWidth) = (choice.Tokens, (int)x.shape[1], (int)down.shape[2]);
        var inner = empty([tokens * choice.Rule.PerToken, innerWidth], x.dtype, x.device);
        var output = empty([tokens, width], x.dtype, x.device);
        CudaKernel Load(string name, int depth) => CudaKernel.Load(x.device_index, Source.Value, name,
            [choice.Define, $"DEPTH={depth}", $"STEPS={(innerWidth + Step - 1) / Step}"]);
        Load("expert_gate_up", Depth(width, GateDepth)).Launch((Tiles(innerWidth), (int)inner.shape[0], 1), Threads, 0,
        [
            Aten.DataPointer(x), Aten.DataPointer(gateUp), Aten.DataPointer(choice.Logits), Aten.DataPointer(inner),
            innerWidth, width, .. choice.Arguments,
        ], early: true);
        Load("expert_down", Depth(innerWidth * choice.Rule.PerToken, DownDepth)).Launch((Tiles(width), tokens, 1),
            Threads, 0,
        [
            Aten.DataPointer(inner), Aten.DataPointer(down), Aten.DataPointer(choice.Logits), Aten.DataPointer(output),
            width, innerWidth, .. choice.Arguments,
        ], early: true);
        foreach (var tensor in new[] { x, gateUp, down, inner }) GC.KeepAlive(tensor);
        choice.KeepAlive();
        return output;
    }

    private static int Tiles(int outputs) => (outputs + Tile - 1) / Tile;

    // A warp has a part of the inputs, maybe less than can be read at once.
    private static int Depth(int inputs, int most) => Math.Clamp((inputs / Step + Warps - 1) / Warps, 1, most);
}
