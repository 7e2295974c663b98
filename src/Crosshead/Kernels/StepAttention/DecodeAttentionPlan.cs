namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// How a decode kernel is compiled for given widths: its sources, what is fixed at compile time, and the shared memory
/// that follows.
/// </summary>
/// <param name="KeyWidth">Width of a key row.</param>
/// <param name="ValueWidth">Width of a value row.</param>
/// <param name="Queries">Queries a row, rounded up to what the kernel takes.</param>
/// <param name="Factors">Rows of factors that a row's queries have; 0 for none.</param>
/// <param name="Tokens">Tokens of a tile.</param>
/// <param name="Stages">Tiles of keys, and of values, in shared memory.</param>
internal abstract record DecodeAttentionPlan(int KeyWidth, int ValueWidth, int Queries, int Factors,
    int Tokens, int Stages)
{
    /// <summary>Most tokens of a piece that a block takes; 0 if a block takes one token of a sequence.</summary>
    public int PieceTokens { get; init; }

    /// <summary>Sources after the common ones and before the join's.</summary>
    public abstract string[] Sources { get; }

    /// <summary>Threads of a block.</summary>
    public abstract int Threads { get; }

    /// <summary>Dynamic shared memory of a block, with the layout of the kernel.</summary>
    public abstract int SharedBytes { get; }

    /// <summary>
    /// The best plan that fits; null if none fits. Two small blocks of warps per multiprocessor hide each other's waits
    /// better than warpgroups within one block. But they wait for factors, and wide rows leave room for only one block
    /// (measured: docs/research-log.md).
    /// </summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    /// <param name="warpgroups">Whether the device has <c>wgmma</c>.</param>
    public static DecodeAttentionPlan? For(int keyWidth, int valueWidth, int queries, int factors, int sharedBytes,
        bool warpgroups)
    {
        var warps = WarpPlan.For(keyWidth, valueWidth, queries, factors, sharedBytes);
        return warpgroups && (factors > 0 || warps?.FitsTwice(sharedBytes) != true)
            && WarpgroupPlan.For(keyWidth, valueWidth, queries, factors, sharedBytes) is { } plan ? plan : warps;
    }

    /// <summary>The best plan for pieces of sequences; null if none fits.</summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static DecodeAttentionPlan? ForPieces(int keyWidth, int valueWidth, int queries, int factors,
        int sharedBytes) => PiecePlan.For(keyWidth, valueWidth, queries, factors)
            ?? (DecodeAttentionPlan?)WarpPlan.OfPieces(keyWidth, valueWidth, queries, factors, sharedBytes);

    /// <summary>The best plan for shares of a pass; null if there is none.</summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    /// <param name="warpgroups">Whether the device has <c>wgmma</c>.</param>
    public static DecodeAttentionPlan? ForShares(int keyWidth, int valueWidth, int queries, int factors,
        int sharedBytes, bool warpgroups) => warpgroups
            ? WarpgroupPlan.OfShares(keyWidth, valueWidth, queries, factors, sharedBytes) : null;

    /// <summary>The kernel's macros.</summary>
    /// <param name="paged">Whether the cache lies in pages.</param>
    public virtual IReadOnlyList<string> Defines(bool paged) =>
    [
        $"WK={KeyWidth}", $"WV={ValueWidth}", $"QUERIES={Queries}", $"TOKENS={Tokens}", $"STAGES={Stages}",
        $"FACTORS={Factors}", $"PAGED={(paged ? 1 : 0)}", $"PIECES={PieceTokens}",
    ];
}
