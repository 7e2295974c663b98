namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// Shares the attention of a pass out to blocks of a device: a long sequence becomes several items, each some of its
/// spans of 64 tokens, so that no block has much more to do than the others (<c>pieces.cuh</c>).
/// </summary>
internal static class PieceList
{
    /// <summary>Most tokens of a piece.</summary>
    public const int MostTokens = 16;

    /// <summary>Numbers of an item: first row, tokens, first span, spans, first part, rank, parts, blocks.</summary>
    public const int ItemLength = 8;

    private const int LeastSpans = 4; // of an item whose piece has several: a join costs as much

    // One block joins all parts of a piece: its work grows with their number, as that of the others shrinks.
    private const double PartsOfRoot = 1.5; // most parts of a piece, times the root of its spans

    /// <summary>Most items of so many pieces.</summary>
    /// <param name="pieces">Number of pieces.</param>
    /// <param name="splits">As for <see cref="Write"/>.</param>
    public static int Most(int pieces, int splits) => pieces + splits;

    /// <summary>Most blocks of the pieces that have several items.</summary>
    /// <param name="splits">As for <see cref="Write"/>.</param>
    public static int MostParts(int splits) => 2 * splits;

    /// <summary>Writes the items.</summary>
    /// <param name="pieces">The pieces.</param>
    /// <param name="blockTokens">Tokens of a piece that a block takes; a piece of more has several blocks.</param>
    /// <param name="splits">Number of blocks, for each row of the cache, that the device runs at once.</param>
    /// <param name="items">Room for <see cref="Most"/> items; those behind the last one are cleared.</param>
    /// <returns>Number of items.</returns>
    public static int Write(IReadOnlyList<Piece> pieces, int blockTokens, int splits, Span<int> items)
    {
        var all = 0L;
        foreach (var piece in pieces) all += (long)Spans(piece) * Blocks(piece, blockTokens);
        var most = (int)Math.Max(LeastSpans, (all + splits - 1) / splits); // spans of an item
        var (count, next) = (0, 0);
        foreach (var piece in pieces)
        {
            var (spans, blocks) = (Spans(piece), Blocks(piece, blockTokens));
            var parts = Math.Clamp((spans + most - 1) / most, 1, Math.Max(1, (int)(PartsOfRoot * Math.Sqrt(spans))));
            var first = parts > 1 ? next : 0;
            for (var rank = 0; rank < parts; rank++, count++)
            {
                var (from, to) = (Share(spans, rank, parts), Share(spans, rank + 1, parts));
                Item(items, count, [piece.Row, piece.Tokens, from, to - from, first, rank, parts, blocks]);
            }
            if (parts > 1) next += parts * blocks;
        }
        items[(count * ItemLength)..].Clear();
        return count;
    }

    /// <summary>Spans of 64 tokens that a piece sees.</summary>
    internal static int Spans(Piece piece) =>
        (piece.End + DecodeAttention.PageTokens - 1) / DecodeAttention.PageTokens;

    /// <summary>Blocks of a piece, side by side.</summary>
    internal static int Blocks(Piece piece, int blockTokens) => (piece.Tokens + blockTokens - 1) / blockTokens;

    /// <summary>Writes an item at a place of the list.</summary>
    internal static void Item(Span<int> items, int at, ReadOnlySpan<int> item) =>
        item.CopyTo(items[(at * ItemLength)..]);

    private static int Share(int spans, int rank, int parts) => (int)((long)spans * rank / parts);
}
