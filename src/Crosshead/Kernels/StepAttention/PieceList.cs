namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// Shares the attention of a pass out to blocks of a device: a long sequence becomes several items, each a span of its
/// tiles of 64 tokens, so that no block has much more to do than the others (<c>pieces.cuh</c>).
/// </summary>
internal static class PieceList
{
    /// <summary>Most tokens of a piece.</summary>
    public const int MostTokens = 16;

    /// <summary>Numbers of an item: first row, tokens, first tile, tiles, first part, rank, parts, none.</summary>
    public const int ItemLength = 8;

    private const int LeastTiles = 4; // of an item whose piece has several: a join costs as much

    /// <summary>Most items of so many pieces.</summary>
    /// <param name="pieces">Number of pieces.</param>
    /// <param name="splits">As for <see cref="Write"/>.</param>
    public static int Most(int pieces, int splits) => pieces + splits;

    /// <summary>Most items of the pieces that have several.</summary>
    /// <param name="splits">As for <see cref="Write"/>.</param>
    public static int MostParts(int splits) => 2 * splits;

    /// <summary>Writes the items.</summary>
    /// <param name="pieces">The pieces.</param>
    /// <param name="splits">Number of items that the device works on at once.</param>
    /// <param name="items">Room for <see cref="Most"/> items; those behind the last one are cleared.</param>
    /// <returns>Number of items.</returns>
    public static int Write(IReadOnlyList<Piece> pieces, int splits, Span<int> items)
    {
        var all = 0L;
        foreach (var piece in pieces) all += Tiles(piece);
        var most = (int)Math.Max(LeastTiles, (all + splits - 1) / splits); // tiles of an item
        var (count, part) = (0, 0);
        foreach (var piece in pieces)
        {
            var tiles = Tiles(piece);
            var parts = Math.Max(1, (tiles + most - 1) / most);
            for (var rank = 0; rank < parts; rank++, count++)
            {
                var (from, to) = (Share(tiles, rank, parts), Share(tiles, rank + 1, parts));
                var first = parts > 1 ? part : 0;
                ReadOnlySpan<int> item = [piece.Row, piece.Tokens, from, to - from, first, rank, parts, 0];
                item.CopyTo(items[(count * ItemLength)..]);
            }
            if (parts > 1) part += parts;
        }
        items[(count * ItemLength)..].Clear();
        return count;
    }

    private static int Tiles(Piece piece) =>
        (piece.End + DecodeAttention.PageTokens - 1) / DecodeAttention.PageTokens;

    private static int Share(int tiles, int rank, int parts) => (int)((long)tiles * rank / parts);
}
