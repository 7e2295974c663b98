using System.Numerics;

namespace Crosshead.Kernels.StepAttention;

/// <summary>The plan of <c>decode_attention_wgmma.cu</c>, in which warpgroups copy, score and sum.</summary>
internal sealed record WarpgroupPlan(int KeyWidth, int ValueWidth, int Queries, int Factors, int Stages)
    : DecodeAttentionPlan(KeyWidth, ValueWidth, Queries, Factors, TileTokens, Stages)
{
    // a thread's registers of sums
    private const int TileTokens = 64, Parts = 2, MostStages = 6, LeastStages = 2, MostSums = 128;
    private const int BlockColumns = 64, RowBytes = 128;

    /// <summary>Whether a block has a share of all rows of a pass, see <see cref="ShareList"/>.</summary>
    public bool Shares { get; init; }

    /// <inheritdoc/>
    public override string[] Sources => ["warpgroups.cuh", "decode_attention_wgmma.cu"];

    /// <inheritdoc/>
    public override int Threads => 3 * 128;

    /// <summary>
    /// The ring (whose memory the sums use at the end), queries, weights, the state of each query, factors, counters.
    /// </summary>
    public override int SharedBytes
    {
        get
        {
            var ring = Stages * (Blocks(KeyWidth) + Blocks(ValueWidth)) * Tokens * RowBytes;
            var sums = ((Queries * (ValueWidth + 4) * 4) + 1023) / 1024 * 1024;
            return Math.Max(ring, sums) + (Queries * RowBytes * (Blocks(KeyWidth) + (2 * Parts)))
                + ((Shares ? 20 : 10) * Queries * 4) + (Stages * Factors * Tokens * 2)
                + (((2 * 2 * Stages) + (Shares ? 7 : 4)) * 8);
        }
    }

    /// <summary>A plan with as much of the cache in flight as fits; null if too little fits.</summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static WarpgroupPlan? For(int keyWidth, int valueWidth, int queries, int factors, int sharedBytes) =>
        Of(keyWidth, valueWidth, queries, factors, sharedBytes, shares: false);

    /// <summary>The same for shares of a pass.</summary>
    /// <param name="keyWidth">A multiple of 16 from 64 to 512.</param>
    /// <param name="valueWidth">As <paramref name="keyWidth"/>.</param>
    /// <param name="queries">Queries per row, 1 to 64.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="sharedBytes">Maximum shared memory per block.</param>
    public static WarpgroupPlan? OfShares(int keyWidth, int valueWidth, int queries, int factors, int sharedBytes) =>
        Of(keyWidth, valueWidth, queries, factors, sharedBytes, shares: true);

    private static WarpgroupPlan? Of(int keyWidth, int valueWidth, int queries, int factors, int sharedBytes,
        bool shares)
    {
        var padded = Math.Max(8, (int)BitOperations.RoundUpToPowerOf2((uint)queries));
        if (Blocks(valueWidth) * padded / 2 > MostSums) return null;
        return Enumerable.Range(LeastStages, MostStages - LeastStages + 1).Reverse()
            .Select(stages => new WarpgroupPlan(keyWidth, valueWidth, padded, factors, stages)
            {
                Shares = shares,
                PieceTokens = shares ? 1 : 0,
            })
            .FirstOrDefault(plan => plan.SharedBytes <= sharedBytes);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Defines(bool paged) =>
        Shares ? [.. base.Defines(paged), "SHARES=1"] : base.Defines(paged);

    private static int Blocks(int width) => (width + BlockColumns - 1) / BlockColumns;
}
