using Crosshead.Kernels.Products;
using Crosshead.Runtime.Cuda;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>How the blocks of <c>packed_matmul.cu</c> share a product with a few tokens.</summary>
/// <param name="Tiles">Tiles of a warp.</param>
/// <param name="Warps">Warps of a block.</param>
/// <param name="Split">Parts of the columns; the block's warps are that many, or several times as many.</param>
/// <param name="Depth">Records of a tile that a warp reads at once.</param>
/// <param name="Tokens">Most tokens: 1, 2, 4 or 8.</param>
/// <param name="Gate">What a warp's first half of tiles does to the others, if they are of a gate.</param>
/// <param name="Normed">Whether the tokens are normed on their way.</param>
/// <param name="Experts">Whether there is a weight for each expert.</param>
internal sealed record PackedPlan(int Tiles, int Warps, int Split, int Depth, int Tokens, ProductGate Gate, bool Normed,
    bool Experts)
{
    /// <summary>Most tokens of a product; more are for <see cref="PackedTilePlan"/>.</summary>
    public const int MostTokens = 8;

    private const int UsualWarps = 8;

    /// <summary>Outputs of a block.</summary>
    public int Outputs => Tiles / Gate.RowsOfResult * (Warps / Split) * PackedFormat.TileRows;

    /// <summary>The macros of the kernel.</summary>
    public string[] Defines =>
    [
        $"TILES={Tiles}", $"WARPS={Warps}", $"SPLIT={Split}", $"DEPTH={Depth}", $"TOKENS={Tokens}",
        Gate.Define, $"NORM={(Normed ? 1 : 0)}", $"EXPERTS={(Experts ? 1 : 0)}",
    ];

    /// <summary>The plan of a product.</summary>
    /// <param name="device">Number of the device.</param>
    /// <param name="format">The weight's format.</param>
    /// <param name="tokens">Tokens, at most <see cref="MostTokens"/>.</param>
    /// <param name="outputs">Outputs; of a gated product half of the weight's rows.</param>
    /// <param name="columns">Columns of the weight.</param>
    /// <param name="gate">The gate, if half of the rows are one.</param>
    /// <param name="normed">Whether the tokens are normed.</param>
    /// <param name="experts">Experts that serve them, each with a weight; 0 for one weight.</param>
    public static PackedPlan For(int device, PackedFormat format, int tokens, int outputs, int columns,
        ProductGate gate, bool normed, int experts = 0)
    {
        var gated = gate.Kind != 0;
        // Measured (docs/research-log.md): few tiles are split among all warps of larger blocks if their rows are long;
        // many are read two at a time, very many by small blocks, and so are those of a gate whose numbers are long.
        var (units, tilesOfAll, processors) = (PackedFormat.Units(columns),
            PackedFormat.Tiles(outputs) * Math.Max(1, experts), CudaDevice.Get(device).Multiprocessors);
        var many = gated || tilesOfAll > 2 * processors;
        var warps = !many && units >= 32 && tokens <= 4 ? 2 * UsualWarps
            : many && (tilesOfAll > 32 * processors || (gated && format.IsOfBytes)) ? UsualWarps / 2 : UsualWarps;
        var split = many ? UsualWarps / 2 : warps;
        // The most parts of which no more than a quarter has nothing to do.
        while (split > 1 && 4 * units < 3 * split * ((units + split - 1) / split)) split /= 2;
        var tiles = many ? 2 : 1;
        var depth = tiles == 1 && units > split && tokens <= 4 ? 2 : 1;
        var together = tokens switch { 1 => 1, 2 => 2, <= 4 => 4, _ => MostTokens };
        return new PackedPlan(tiles, warps, split, depth, together, gate with { Limit = 0 }, normed, experts > 0);
    }
}
