namespace Crosshead.Kernels.StepAttention;

/// <summary>The plan of <c>piece_attention.cu</c>, in which a warp computes both products of 16 queries.</summary>
internal sealed record PiecePlan(int KeyWidth, int ValueWidth, int Queries, int Tokens, int Stages,
    int Kind)
    : DecodeAttentionPlan(KeyWidth, ValueWidth, Queries, Factors: 0, Tokens, Stages)
{
    private const int MostWidth = 128, MostQueries = 64, TileTokens = 64;

    /// <inheritdoc/>
    public override string[] Sources => ["scaled_numbers.cuh", "piece_attention.cu"];

    /// <inheritdoc/>
    public override int Threads => 2 * Queries;

    /// <summary>
    /// The tiles, whose memory the sums use at the end: all stages or, of a cache with scales, one tile of bfloat16 and
    /// the stages of bytes and scales.
    /// </summary>
    public override int SharedBytes => Math.Max((Kind == 0 ? Stages : 1) * Tokens * (KeyWidth + 8 + ValueWidth + 8) * 2
        + (Kind == 0 ? 0 : Stages * Tokens * (KeyWidth + ValueWidth + 4)), Queries * (ValueWidth + 8) * 4);

    /// <summary>
    /// The best plan: as many tokens of a piece as 64 queries hold, and enough small blocks per multiprocessor to hide
    /// each other's waits. Null if the rows are too wide, or have factors.
    /// </summary>
    /// <param name="keyWidth">A multiple of 16.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="kind">Type of the cache: 0 for bfloat16, or <see cref="CacheScales.KindOf"/>, for which widths are
    /// multiples of 64.</param>
    public static PiecePlan? For(int keyWidth, int valueWidth, int queries, int factors, int kind = 0)
    {
        if (keyWidth > MostWidth || valueWidth > MostWidth || queries > MostQueries || factors > 0) return null;
        var tokens = Math.Min(MostQueries / queries, PieceList.MostTokens);
        var padded = ((tokens * queries) + 15) / 16 * 16;
        var stages = keyWidth + valueWidth <= MostWidth ? 3 : 2;
        return new PiecePlan(keyWidth, valueWidth, padded, TileTokens, stages, kind) { PieceTokens = tokens };
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Defines(bool paged) => [.. base.Defines(paged), $"SCALED={Kind}"];
}
