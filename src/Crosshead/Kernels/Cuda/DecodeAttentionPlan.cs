namespace Crosshead.Kernels.Cuda;

/// <summary>How the decode kernel is compiled for given widths: what is fixed at compile time, and the shared memory that follows.</summary>
/// <param name="KeyWidth">Width of a key row.</param>
/// <param name="ValueWidth">Width of a value row.</param>
/// <param name="Queries">Queries a row, rounded up to a multiple of 16.</param>
/// <param name="Tokens">Tokens of a tile.</param>
/// <param name="Stages">Tiles of keys, and of values, in shared memory.</param>
internal sealed record DecodeAttentionPlan(int KeyWidth, int ValueWidth, int Queries, int Tokens, int Stages)
{
    private const int Warps = 8, MostRegisters = 160; // of queries and sums, as in the kernel

    /// <summary>Threads of a block.</summary>
    public const int Threads = 32 * Warps;

    /// <summary>
    /// The best of the kernel's variants that fit: two small blocks a multiprocessor, which hide each other's waits; else
    /// one with as much of the cache under way as possible (measured: docs/research-log.md). Null where none fits.
    /// </summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries a row, 1 to 64.</param>
    /// <param name="sharedBytes">Most shared memory of a block.</param>
    public static DecodeAttentionPlan? For(int keyWidth, int valueWidth, int queries, int sharedBytes)
    {
        var padded = (queries + 15) / 16 * 16;
        DecodeAttentionPlan With(int tokens, int stages) => new(keyWidth, valueWidth, padded, tokens, stages);
        DecodeAttentionPlan[] plans = [With(64, 3), With(64, 2), With(32, 3), With(32, 2)];
        return With(64, 2) is { } small && 2 * small.SharedBytes <= sharedBytes ? small : plans.FirstOrDefault(p => p.SharedBytes <= sharedBytes);
    }

    /// <summary>Dynamic shared memory of a block, laid out as the kernel does: the rings, whose place the sums take in the end, scores, weights, queries.</summary>
    public int SharedBytes => Math.Max(Stages * Tokens * (KeyWidth + 8 + ValueWidth + 8) * 2, Queries * (ValueWidth + 8) * 4)
        + (Queries * (Tokens + 8) * 4) + (Queries * (Tokens + 8) * 2) + (Queries * 4) + (QueriesLieInRing ? 0 : Queries * (KeyWidth + 8) * 2);

    /// <summary>The kernel's macros.</summary>
    /// <param name="factors">Whether scores have factors.</param>
    /// <param name="paged">Whether the cache lies in pages.</param>
    public string[] Defines(bool factors, bool paged) =>
    [
        $"WK={KeyWidth}", $"WV={ValueWidth}", $"QUERIES={Queries}", $"TOKENS={Tokens}", $"STAGES={Stages}", $"WARPS={Warps}",
        $"FACTORS={(factors ? 1 : 0)}", $"PAGED={(paged ? 1 : 0)}",
    ];

    private bool QueriesLieInRing
    {
        get
        {
            var tiles = Queries / 16;
            var most = Math.Min(Warps / (Tokens / 8), tiles);
            var ofWarp = tiles % most == 0 ? tiles / most : tiles;
            var columnPairs = ((ValueWidth / 16) + Warps - 1) / Warps;
            return (ofWarp * KeyWidth / 4) + (tiles * columnPairs * 8) <= MostRegisters && Queries * (KeyWidth + 8) <= Tokens * (ValueWidth + 8);
        }
    }
}
