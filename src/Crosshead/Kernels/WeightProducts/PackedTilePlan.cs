using Crosshead.Runtime.Cuda;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>How the blocks of <c>packed_tiles.cu</c> share a product with many tokens.</summary>
/// <param name="Tokens">Tokens of a block: 16, 32 or 64.</param>
/// <param name="Tiles">Tiles of a warp.</param>
/// <param name="Warps">Warps of a block.</param>
/// <param name="Parts">Parts of the columns, each for a block of a cluster.</param>
/// <param name="Gated">Whether a warp's tiles are of a gate and of what it gates.</param>
internal sealed record PackedTilePlan(int Tokens, int Tiles, int Warps, int Parts, bool Gated)
{
    private const int FewTokens = 16, MostTokens = 64, MostParts = 8, FewWarps = 4, ManyWarps = 8;

    // Beyond, the faster product with a tensor saves more than making the tensor costs (docs/research-log.md).
    private const int MostTokensOfAll = 128;

    /// <summary>Outputs of a block.</summary>
    public int Outputs => (Gated ? Tiles / 2 : Tiles) * Warps * PackedFormat.TileRows;

    /// <summary>Shared memory of a block, with the layout of the kernel.</summary>
    public int SharedBytes => Math.Max(Stages * Tokens * (PackedFormat.UnitColumns + 32) * 2,
        Tokens * ((Warps * Tiles * PackedFormat.TileRows) + 4) * sizeof(float));

    /// <summary>The macros of the kernel.</summary>
    public string[] Defines =>
    [
        $"TILES={Tiles}", $"WARPS={Warps}", $"TOKENS={Tokens}", $"STAGES={Stages}",
        $"SUMS={(Tokens < MostTokens ? 1 : 0)}", $"GLU={(Gated ? 1 : 0)}",
    ];

    private int Stages => Tokens == MostTokens ? 3 : 4;

    /// <summary>Whether so many tokens are multiplied by a packed weight, and not by a tensor made of it.</summary>
    public static bool Takes(long tokens) => tokens <= MostTokensOfAll;

    /// <summary>The plan of a product.</summary>
    /// <param name="device">Number of the device.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="outputs">Outputs; of a gated product half of the weight's rows.</param>
    /// <param name="columns">Columns of the weight.</param>
    /// <param name="gated">Whether the result is silu(gate)·up.</param>
    public static PackedTilePlan For(int device, int tokens, int outputs, int columns, bool gated)
    {
        var (own, units) = (CudaDevice.Get(device), PackedFormat.Units(columns));
        var together = tokens <= FewTokens ? FewTokens : tokens <= 2 * FewTokens ? 2 * FewTokens : MostTokens;
        // Measured (docs/research-log.md): few tokens are for small blocks, two a multiprocessor. Two tiles of a warp
        // share what it reads of many tokens, if all multiprocessors have work then.
        var (few, places) = together < MostTokens ? (true, 2 * own.Multiprocessors) : (false, own.Multiprocessors);
        var plan = new PackedTilePlan(together, gated || !few ? 2 : 1, few ? FewWarps : ManyWarps, 1, gated);
        if (!gated && plan.Blocks(tokens, outputs) < own.Multiprocessors) plan = plan with { Tiles = 1 };
        while (own.HasClusters && plan.Parts < Math.Min(units, MostParts)
            && 2 * plan.Parts * plan.Blocks(tokens, outputs) <= places)
            plan = plan with { Parts = 2 * plan.Parts };
        return plan;
    }

    private int Blocks(int tokens, int outputs) => (outputs + Outputs - 1) / Outputs * ((tokens + Tokens - 1) / Tokens);
}
