namespace Crosshead.Kernels.StepAttention;

/// <summary>The plan of <c>decode_attention.cu</c>, in which each warp computes a part of both products.</summary>
internal sealed record WarpPlan(int KeyWidth, int ValueWidth, int Queries, int Factors, int Tokens, int Stages)
    : DecodeAttentionPlan(KeyWidth, ValueWidth, Queries, Factors, Tokens, Stages)
{
    private const int Warps = 8, MostRegisters = 160; // of queries and sums, as in the kernel

    /// <inheritdoc/>
    public override string[] Sources => ["scaled_numbers.cuh", "decode_attention.cu"];

    /// <inheritdoc/>
    public override int Threads => 32 * Warps;

    /// <summary>Rings (whose memory the sums use at the end), scores, weights, queries.</summary>
    public override int SharedBytes =>
        Math.Max(Stages * Tokens * (KeyWidth + 8 + ValueWidth + 8) * 2, Queries * (ValueWidth + 8) * 4)
        + (Queries * (Tokens + 8) * 4) + (Queries * (Tokens + 8) * 2) + (Queries * 4)
        + (QueriesLieInRing ? 0 : Queries * (KeyWidth + 8) * 2);

    /// <summary>Whether a multiprocessor runs two blocks at once.</summary>
    /// <param name="sharedBytes">Maximum shared memory per block, nearly all of a multiprocessor's.</param>
    public bool FitsTwice(int sharedBytes) => 2 * SharedBytes <= sharedBytes;

    private bool QueriesLieInRing
    {
        get
        {
            var tiles = Queries / 16;
            var most = Math.Min(Warps / (Tokens / 8), tiles);
            var ofWarp = tiles % most == 0 ? tiles / most : tiles;
            var columnPairs = ((ValueWidth / 16) + Warps - 1) / Warps;
            return (ofWarp * KeyWidth / 4) + (tiles * columnPairs * 8) <= MostRegisters
                && Queries * (KeyWidth + 8) <= Tokens * (ValueWidth + 8);
        }
    }

    /// <summary>
    /// The best variant that fits: two small blocks per multiprocessor, which hide each other's waits; otherwise one
    /// block with as much of the cache in flight as possible (measured: docs/research-log.md). Null if none fits.
    /// </summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static WarpPlan? For(int keyWidth, int valueWidth, int queries, int factors, int sharedBytes)
    {
        var padded = (queries + 15) / 16 * 16;
        // The code is the same for any number of factor rows.
        WarpPlan With(int tokens, int stages) =>
            new(keyWidth, valueWidth, padded, Math.Min(factors, 1), tokens, stages);
        WarpPlan[] plans = [With(64, 3), With(64, 2), With(32, 3), With(32, 2)];
        return With(64, 2) is { } small && small.FitsTwice(sharedBytes) ? small
            : plans.FirstOrDefault(p => p.SharedBytes <= sharedBytes);
    }

    /// <summary>The same for pieces of sequences. Null if not even one token of a piece fits.</summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static DecodeAttentionPlan? OfPieces(int keyWidth, int valueWidth, int queries, int factors,
        int sharedBytes) => WithMostTokens(queries,
            all => For(keyWidth, valueWidth, all, factors, sharedBytes - PieceBytes));

    /// <inheritdoc/>
    public override IReadOnlyList<string> Defines(bool paged) => [.. base.Defines(paged), $"WARPS={Warps}"];
}
