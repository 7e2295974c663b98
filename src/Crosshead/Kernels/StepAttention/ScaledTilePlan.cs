namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// The plan of <c>scaled_attention.cu</c> over a cache with scales, in which each warp takes tiles of its own.
/// </summary>
internal sealed record ScaledTilePlan(int KeyWidth, int ValueWidth, int Queries, int Tokens, int Stages, int Kind)
    : DecodeAttentionPlan(KeyWidth, ValueWidth, Queries, Factors: 0, Tokens, Stages)
{
    private const int Warps = 4;
    private const int MostSums = 256; // of a warp's queries and columns, as registers allow

    /// <inheritdoc/>
    public override string[] Sources => ["scaled_attention.cu"];

    /// <inheritdoc/>
    public override int Threads => 32 * Warps;

    /// <summary>
    /// A ring of rows and scales for each warp, whose memory the sums use at the end; what the warps found.
    /// </summary>
    public override int SharedBytes =>
        (Warps * Math.Max(Stages * Tokens * (KeyWidth + 16 + ValueWidth + 16 + 4), Queries * (ValueWidth + 8) * 4))
        + (2 * (Warps + 1) * Queries * 4);

    /// <summary>
    /// The plan with the largest tiles of those that fit twice on a multiprocessor (measured: docs/research-log.md),
    /// and of these the one with the most of the cache in flight. Null if the rows are too wide, have too many queries,
    /// or factors.
    /// </summary>
    /// <param name="keyWidth">A multiple of 64 up to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="kind">Type of the cache, as <see cref="CacheScales.KindOf"/> says.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static ScaledTilePlan? For(int keyWidth, int valueWidth, int queries, int factors, int kind, int sharedBytes)
    {
        var padded = (queries + 3) / 4 * 4;
        if (keyWidth is not (64 or 128) || valueWidth is not (64 or 128) || factors > 0
            || padded / 4 * Math.Max(keyWidth, valueWidth) > MostSums) return null;
        ScaledTilePlan With(int tokens, int stages) => new(keyWidth, valueWidth, padded, tokens, stages, kind);
        ScaledTilePlan[] plans = [With(64, 3), With(64, 2), With(32, 6), With(32, 5), With(32, 4), With(32, 3)];
        return plans.FirstOrDefault(plan => 2 * plan.SharedBytes <= sharedBytes);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Defines(bool paged) =>
        [.. base.Defines(paged), $"WARPS={Warps}", $"SCALED={Kind}"];
}
