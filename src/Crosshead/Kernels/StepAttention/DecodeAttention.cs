using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// One step of decoding on a CUDA device in bfloat16: softmax(q Kᵀ · scale) V for one token per sequence. It reads each
/// byte of the cache once, whatever the grain of its rows (<c>decode_attention.cu</c>).
/// </summary>
internal static class DecodeAttention
{
    private const int LeastWidth = 64, MostWidth = 512, MostQueries = 64, JoinThreads = 128, MostJoinGroups = 16,
    PartsOfJoinGroup = 4;

    /// <summary>Pages hold multiples of this number of tokens.</summary>
    public const int PageTokens = 64;

    /// <summary>
    /// Whether <see cref="Apply"/>, or with pools of pages <see cref="ApplyPaged"/>, takes these tensors.
    /// </summary>
    /// <param name="query">[B, h, 1, w]</param>
    /// <param name="key">[B, g, T, w], g divides h.</param>
    /// <param name="value">[B, gv, T, w'], gv divides g.</param>
    /// <param name="factors">[B, G, T], G divides h, its strides even; null for none.</param>
    /// <param name="scales">What keys and values are multiples of; null where they are in bfloat16.</param>
    public static bool Supports(Tensor query, Tensor key, Tensor value, Tensor? factors, CacheScales? scales = null) =>
        RowSource.Supports(query) && query.dtype == ScalarType.BFloat16
        && (scales is null ? key.dtype == query.dtype && value.dtype == query.dtype : AreScaled(key, value, scales))
        && (factors is null || factors.dtype == query.dtype && factors.stride(2) == 1 && factors.stride(0) % 2 == 0
            && factors.stride(1) % 2 == 0 && Aten.DataPointer(factors) % 4 == 0)
        && query.shape[2] == 1 && IsRow(key) && IsRow(value)
        && query.shape[1] / key.shape[1] <= MostQueries && key.shape[1] % value.shape[1] == 0
        && !(GradientNode.Needed(query, key, value))
        && DecodeAttentionKernel.Fits(query.device.index, (int)key.shape[3], (int)value.shape[3],
            (int)(query.shape[1] / key.shape[1]), FactorRows((int)query.shape[1], (int)key.shape[1], factors),
            Kind(key, scales));

    /// <summary>
    /// Attends. It neither waits for the device nor reads its memory. The launches depend only on T, and not on the
    /// values of <paramref name="begins"/> and <paramref name="ends"/>. So a captured CUDA graph stays valid while the
    /// sequences grow.
    /// </summary>
    /// <param name="query">[B, h, 1, w]; query head i reads row i div (h/g).</param>
    /// <param name="key">[B, g, T, w]</param>
    /// <param name="value">[B, gv, T, w'], gv divides g; key row i goes with value row i div (g/gv).</param>
    /// <param name="scores">How products become scores: a factor, or more.</param>
    /// <param name="factors">Further factors, [B, G, T]; query head i's scores take those of row i div (h/G). Null for
    /// none.</param>
    /// <param name="begins">The first token that each sequence sees, [B] or [1] (int32, on the device); null for the
    /// first of all.</param>
    /// <param name="ends">One past the last token that each sequence sees, likewise; null for T. A sequence that sees
    /// none gets zeros.</param>
    /// <param name="scales">What keys and values are multiples of; null where they are in bfloat16.</param>
    /// <returns>[B, h, 1, w']</returns>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, ScoreForm scores, Tensor? factors = null,
        Tensor? begins = null, Tensor? ends = null, CacheScales? scales = null) =>
        Launch(query, key, value, null, (int)key.shape[2], scores, factors, begins, ends, scales);

    /// <summary>
    /// As <see cref="Apply"/>, over a cache that lies in pages of P tokens: token t of sequence b is token t mod P of
    /// page <c>table[b, t div P]</c>.
    /// </summary>
    /// <param name="query">[B, h, 1, w]; query head i reads row i div (h/g).</param>
    /// <param name="key">[pages, g, P, w]</param>
    /// <param name="value">[pages, gv, P, w'], gv divides g.</param>
    /// <param name="table">[B, n] (int32, on the device), rows in order; entries past a sequence's last page are not
    /// read.</param>
    /// <param name="scores">How products become scores: a factor, or more.</param>
    /// <param name="factors">Further factors, [pages, G, P]; null for none.</param>
    /// <param name="begins">The first token that each sequence sees, [B] or [1] (int32, on the device); null for the
    /// first of all.</param>
    /// <param name="ends">One past the last token that each sequence sees, likewise; null for n·P.</param>
    /// <param name="pieces">
    /// How rows that are tokens of the same sequence read the cache together; null if each reads it for itself. The
    /// bounds of all rows are needed then.
    /// </param>
    /// <param name="scales">What keys and values are multiples of; null where they are in bfloat16.</param>
    /// <param name="into">With pieces: [B, h, 1, w'], of which the rows of pieces are written; null for new
    /// memory.</param>
    /// <returns>[B, h, 1, w']</returns>
    /// <exception cref="ArgumentException">P is not a multiple of <see cref="PageTokens"/>.</exception>
    public static Tensor ApplyPaged(Tensor query, Tensor key, Tensor value, Tensor table, ScoreForm scores,
        Tensor? factors = null, Tensor? begins = null, Tensor? ends = null, PieceWork? pieces = null,
        CacheScales? scales = null, Tensor? into = null)
    {
        if (key.shape[2] % PageTokens != 0)
            throw new ArgumentException(
                $"pages of {key.shape[2]} tokens; they must hold a multiple of {PageTokens}.", nameof(key));
        var capacity = (int)(table.shape[1] * key.shape[2]);
        return pieces is null || PieceTokens(key, value, (int)query.shape[1], factors, scales) == 0
            ? Launch(query, key, value, table, capacity, scores, factors, begins, ends, scales)
            : LaunchPieces(query, key, value, table, capacity, scores, factors, begins, ends!, pieces, scales, into);
    }

    /// <summary>
    /// Most tokens of a sequence that read its pages together in a block; 0 if the widths do not fit.
    /// </summary>
    /// <param name="key">[pages, g, P, w]</param>
    /// <param name="value">[pages, gv, P, w']</param>
    /// <param name="heads">Query heads h.</param>
    /// <param name="factors">[pages, G, P]; null for none.</param>
    /// <param name="scales">What keys and values are multiples of; null where they are in bfloat16.</param>
    public static int PieceTokens(Tensor key, Tensor value, int heads, Tensor? factors, CacheScales? scales = null)
    {
        var (rows, keyWidth, valueWidth) = ((int)key.shape[1], (int)key.shape[3], (int)value.shape[3]);
        return (scales is null ? key.dtype == ScalarType.BFloat16 : AreScaled(key, value, scales))
            && IsRow(key) && IsRow(value) && heads / rows <= MostQueries
            ? DecodeAttentionKernel.PieceTokens(key.device.index, keyWidth, valueWidth, heads / rows,
                factors is null ? 0 : 1, Kind(key, scales)) : 0;
    }

    /// <summary>Whether rows that each read a whole sequence may be shared out (<see cref="ShareList"/>).</summary>
    /// <param name="key">[pages, g, P, w]</param>
    /// <param name="value">[pages, gv, P, w']</param>
    /// <param name="heads">Query heads h.</param>
    /// <param name="factors">[pages, G, P]; null for none.</param>
    public static bool TakesShares(Tensor key, Tensor value, int heads, Tensor? factors)
    {
        var rows = (int)key.shape[1];
        return key.dtype == ScalarType.BFloat16 && IsRow(key) && IsRow(value) && heads / rows <= MostQueries
            && DecodeAttentionKernel.TakesShares(key.device.index, (int)key.shape[3], (int)value.shape[3],
                heads / rows, FactorRows(heads, rows, factors));
    }

    private static Tensor LaunchPieces(Tensor query, Tensor key, Tensor value, Tensor table, int capacity,
        ScoreForm scores, Tensor? factors, Tensor? begins, Tensor ends, PieceWork pieces, CacheScales? scales,
        Tensor? into)
    {
        var (batch, heads, rows) = ((int)query.shape[0], (int)query.shape[1], (int)key.shape[1]);
        var (queries, wide) = (heads / rows, (int)value.shape[3]);
        var kernel = DecodeAttentionKernel.For(query.device.index, (int)key.shape[3], wide, queries,
            FactorRows(heads, rows, factors), paged: true,
            pieces.Starts is null ? RowsOfPass.Pieces : RowsOfPass.Shares, Kind(key, scales), scores.Kind);
        var blocks = (pieces.MostTokens + kernel.Plan.PieceTokens - 1) / kernel.Plan.PieceTokens;
        // For each block of a part and each row its sums, its queries' largest scores and their totals of weights.
        var counters = (long)pieces.MostParts * rows;
        var parts = counters * kernel.Plan.Queries;
        pieces.Scratch.Reserve(parts * (wide + 2), counters);
        var sums = Aten.Address(pieces.Scratch.Sums);
        var largest = sums + (nint)(parts * wide * sizeof(float));
        var totals = largest + (nint)(parts * sizeof(float));
        var dense = query.contiguous();
        var output = into ?? empty([batch, heads, 1, wide], query.dtype, query.device);
        var items = (int)(pieces.Starts is { } starts ? starts.shape[0] - 1 : pieces.Items.shape[0]);
        kernel.Attend.Launch((items, rows, blocks), kernel.Plan.Threads, kernel.Plan.SharedBytes,
        [
            .. Arguments(dense, key, value, table, output, capacity, scores, factors, begins, ends,
                (sums, largest, totals)),
            Aten.Address(pieces.Items), Aten.Address(pieces.Scratch.Counters),
            .. pieces.Starts is { } first ? [Aten.Address(first)] : Arguments(scales),
        ], early: true);
        foreach (var tensor in new[] { key, value, table, factors, begins, ends, dense, scores.Sinks })
            GC.KeepAlive(tensor);
        GC.KeepAlive(pieces);
        GC.KeepAlive(scales);
        return output;
    }

    // What both kernels are given, in the order of spans.cuh. Strides count as numbers of bfloat16.
    private static KernelArgument[] Arguments(Tensor query, Tensor key, Tensor value, Tensor? table, Tensor output,
        int capacity, ScoreForm scores, Tensor? factors, Tensor? begins, Tensor? ends,
        (nint Sums, nint Largest, nint Totals) parts)
    {
        var rows = (int)key.shape[1];
        long Stride(Tensor cache, int axis) => cache.stride(axis) * cache.ElementSize / query.ElementSize;
        return
        [
            Aten.Address(query), Aten.Address(key), Aten.Address(value), Aten.Address(factors),
            Aten.Address(begins), Step(begins), Aten.Address(ends), Step(ends),
            Aten.Address(table), (int)(table?.stride(0) ?? 0), (int)key.shape[2],
            Aten.Address(output), parts.Sums, parts.Largest, parts.Totals,
            rows, (int)query.shape[1] / rows, rows / (int)value.shape[1], capacity,
            Stride(key, 0), Stride(key, 1), Stride(key, 2), Stride(value, 0), Stride(value, 1), Stride(value, 2),
            factors is null ? 1 : (int)factors.shape[1], factors?.stride(0) ?? 0L, factors?.stride(1) ?? 0L,
            .. scores.Arguments,
        ];
    }

    private static Tensor Launch(Tensor query, Tensor key, Tensor value, Tensor? table, int capacity,
        ScoreForm scores, Tensor? factors, Tensor? begins, Tensor? ends, CacheScales? cacheScales)
    {
        var (batch, heads, rows) = ((int)query.shape[0], (int)query.shape[1], (int)key.shape[1]);
        var (queries, wide) = (heads / rows, (int)value.shape[3]);
        var kernel = DecodeAttentionKernel.For(query.device.index, (int)key.shape[3], wide, queries,
            FactorRows(heads, rows, factors), table is not null, kind: Kind(key, cacheScales), scores: scores.Kind);
        var (spans, cluster) = kernel.Cut(batch * rows, capacity);
        var clusters = spans / cluster;

        // For each cluster and query its sums, its largest score and its total of weights, one after the other.
        var parts = clusters == 1 ? 0 : (long)batch * rows * clusters * kernel.Plan.Queries;
        // The scratch memory belongs to the surrounding scope. A captured graph, which then owns this scope, writes to
        // it at every replay.
        var scratch = empty([parts * (wide + 2)], ScalarType.Float32, query.device);
        var sums = Aten.Address(scratch);
        var largest = sums + (nint)(parts * wide * sizeof(float));
        var totals = largest + (nint)(parts * sizeof(float));
        var dense = query.contiguous();
        var output = empty([batch, heads, 1, wide], query.dtype, query.device);
        kernel.Attend.Launch((spans, rows, batch), kernel.Plan.Threads, kernel.Plan.SharedBytes,
            [
                .. Arguments(dense, key, value, table, output, capacity, scores, factors, begins, ends,
                    (sums, largest, totals)),
                .. Arguments(cacheScales),
            ], cluster, early: true);
        if (clusters > 1)
        {
            // A thread sums four columns of some clusters: the more clusters there are, the more groups of threads
            // share them.
            var groups = (int)System.Numerics.BitOperations.RoundUpToPowerOf2(
                (uint)Math.Clamp(clusters / PartsOfJoinGroup, 1, MostJoinGroups));
            var columns = JoinThreads / groups * 4;
            kernel.Join.Launch((queries, batch * rows, (wide + columns - 1) / columns), JoinThreads, 0,
                [
                    sums, largest, totals, Aten.Address(output), clusters, queries, columns, rows,
                    Aten.Address(scores.Sinks),
                ], early: true);
        }
        foreach (var tensor in new[] { key, value, table, factors, begins, ends, scratch, dense, scores.Sinks })
            GC.KeepAlive(tensor);
        GC.KeepAlive(cacheScales);
        return output;
    }

    private static KernelArgument[] Arguments(CacheScales? scales) => scales is null ? [] :
    [
        Aten.Address(scales.Keys), scales.Keys.stride(0), scales.Keys.stride(1),
        Aten.Address(scales.Values), scales.Values.stride(0), scales.Values.stride(1),
    ];

    // How the kernel is told the type of the cache; 0 for bfloat16.
    private static int Kind(Tensor key, CacheScales? scales) => scales is null ? 0 : CacheScales.KindOf(key);

    // A scale a row of a token, read 8 at once, and rows of whole 64 numbers.
    private static bool AreScaled(Tensor key, Tensor value, CacheScales scales) =>
        key.shape[3] % 64 == 0 && value.shape[3] % 64 == 0 && scales.Group >= key.shape[3]
        && scales.Group >= value.shape[3] && AreNumbers(scales.Keys) && AreNumbers(scales.Values);

    private static bool AreNumbers(Tensor scales) => scales.stride(2) == 1 && scales.stride(0) % 8 == 0
        && scales.stride(1) % 8 == 0 && Aten.DataPointer(scales) % 16 == 0;

    // Most rows of factors that the queries of one row have: of h/G queries each, they may begin before the row and end
    // after it.
    private static int FactorRows(int heads, int rows, Tensor? factors)
    {
        if (factors is null) return 0;
        var (queries, sharing) = (heads / rows, (int)(heads / factors.shape[1]));
        return queries % sharing == 0 ? queries / sharing : sharing % queries == 0 ? 1 : (queries / sharing) + 2;
    }

    // From one sequence's bound to the next one's: all may have the same.
    private static int Step(Tensor? bounds) => bounds is null || bounds.shape[0] == 1 ? 0 : (int)bounds.stride(0);

    // Rows of whole multiples of 16 elements, in order, each on 32 bytes.
    private static bool IsRow(Tensor rows) =>
        rows.shape[3] is >= LeastWidth and <= MostWidth && rows.shape[3] % 16 == 0 && rows.stride(3) == 1
        && rows.stride(0) % 16 == 0 && rows.stride(1) % 16 == 0 && rows.stride(2) % 16 == 0;
}
