namespace Crosshead.Kernels.StepAttention;

/// <summary>The plan of <c>decode_attention.cu</c> over a cache with scales.</summary>
internal sealed record ScaledPlan(int KeyWidth, int ValueWidth, int Queries, int Factors, int Tokens, int Stages,
    int Kind) : DecodeAttentionPlan(KeyWidth, ValueWidth, Queries, Factors, Tokens, Stages)
{
    private const int Warps = 8;

    /// <inheritdoc/>
    public override string[] Sources => ["scaled_numbers.cuh", "decode_attention.cu"];

    /// <inheritdoc/>
    public override int Threads => 32 * Warps;

    /// <summary>Rings of rows and scales (whose memory the sums use at the end), scores, weights, queries.</summary>
    public override int SharedBytes =>
        Math.Max(Stages * Tokens * (KeyRow + ValueWidth + 16 + 4), Queries * (ValueWidth + 8) * 4)
        + (Queries * (Tokens + 8) * 6) + (Queries * 4) + (Queries * (KeyWidth + 8) * 2);

    private int KeyRow => KeyWidth % 128 == 64 ? KeyWidth : KeyWidth + 64; // as in the kernel

    /// <summary>
    /// The plan with the most of the cache in flight of those that fit twice on a multiprocessor; else the first that
    /// fits. Null if none fits.
    /// </summary>
    /// <param name="keyWidth">A multiple of 64 up to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="kind">Type of the cache, as <see cref="CacheScales.KindOf"/> says.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static ScaledPlan? For(int keyWidth, int valueWidth, int queries, int factors, int kind, int sharedBytes)
    {
        var padded = (queries + 15) / 16 * 16;
        ScaledPlan With(int tokens, int stages) =>
            new(keyWidth, valueWidth, padded, Math.Min(factors, 1), tokens, stages, kind);
        ScaledPlan[] plans = [With(64, 4), With(64, 3), With(64, 2), With(32, 3), With(32, 2)];
        return plans.FirstOrDefault(p => 2 * p.SharedBytes <= sharedBytes)
            ?? plans.FirstOrDefault(p => p.SharedBytes <= sharedBytes);
    }

    /// <summary>The same for pieces of sequences. Null if not even one token of a piece fits.</summary>
    /// <param name="keyWidth">A multiple of 64 up to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="kind">Type of the cache, as <see cref="CacheScales.KindOf"/> says.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static DecodeAttentionPlan? OfPieces(int keyWidth, int valueWidth, int queries, int factors, int kind,
        int sharedBytes) => WithMostTokens(queries,
            all => For(keyWidth, valueWidth, all, factors, kind, sharedBytes - PieceBytes));

    /// <inheritdoc/>
    public override IReadOnlyList<string> Defines(bool paged) =>
        [.. base.Defines(paged), $"WARPS={Warps}", $"SCALED={Kind}"];
}
