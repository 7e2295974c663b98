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
    /// <summary>Static shared memory of a block that takes pieces, or more.</summary>
    protected const int PieceBytes = 1024;

    private const int MostPieceQueries = 64, FewQueries = 16;

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
            ?? WarpPlan.OfPieces(keyWidth, valueWidth, queries, factors, sharedBytes);

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

    /// <summary>The best plan over a cache with scales; null if none fits.</summary>
    /// <param name="keyWidth">A multiple of 64 up to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="of">How blocks find their rows. There is no plan for shares.</param>
    /// <param name="kind">Type of the cache, as <see cref="CacheScales.KindOf"/> says.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static DecodeAttentionPlan? ForScaled(int keyWidth, int valueWidth, int queries, int factors,
        RowsOfPass of, int kind, int sharedBytes) => of switch
        {
            RowsOfPass.Grid => ScaledTilePlan.For(keyWidth, valueWidth, queries, factors, kind, sharedBytes)
                ?? (DecodeAttentionPlan?)ScaledPlan.For(keyWidth, valueWidth, queries, factors, kind, sharedBytes),
            RowsOfPass.Pieces => PiecePlan.For(keyWidth, valueWidth, queries, factors, kind)
                ?? ScaledPlan.OfPieces(keyWidth, valueWidth, queries, factors, kind, sharedBytes),
            _ => null,
        };

    /// <summary>Of the plans for pieces the one with the most tokens; null if there is none.</summary>
    /// <param name="queries">Queries a token, 1 to 64.</param>
    /// <param name="of">The plan for so many queries; null if it does not fit.</param>
    protected static DecodeAttentionPlan? WithMostTokens(int queries, Func<int, DecodeAttentionPlan?> of)
    {
        // Few queries a token: more tokens would need too many registers for two blocks a multiprocessor (measured).
        var most = queries <= FewQueries ? MostPieceQueries / 2 : MostPieceQueries;
        for (var tokens = Math.Min(most / queries, PieceList.MostTokens); tokens > 0; tokens /= 2)
            if (of(queries * tokens) is { } plan) return plan with { PieceTokens = tokens };
        return null;
    }

    /// <summary>The kernel's macros.</summary>
    /// <param name="paged">Whether the cache lies in pages.</param>
    public virtual IReadOnlyList<string> Defines(bool paged) =>
    [
        $"WK={KeyWidth}", $"WV={ValueWidth}", $"QUERIES={Queries}", $"TOKENS={Tokens}", $"STAGES={Stages}",
        $"FACTORS={Factors}", $"PAGED={(paged ? 1 : 0)}", $"PIECES={PieceTokens}",
    ];
}
