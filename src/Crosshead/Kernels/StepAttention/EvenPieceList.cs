namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// Cuts pieces at every 1,024th token of their sequence, whatever else a pass computes. So the order of a row's sums
/// follows from its position alone (<see cref="PieceList"/> cuts by the work of all).
/// </summary>
internal static class EvenPieceList
{
    /// <summary>Tokens of an item but for the last one. No piece may have tokens on both sides of a cut.</summary>
    public const int Tokens = 1024;

    private const int Spans = Tokens / DecodeAttention.PageTokens;

    /// <summary>Most items of so many rows, which is also the most blocks of pieces that have several items.</summary>
    /// <param name="rows">Rows of a pass.</param>
    /// <param name="tokens">Most tokens that one of them sees.</param>
    public static int Most(int rows, int tokens) => rows * ((tokens + Tokens - 1) / Tokens);

    /// <summary>Writes the items, as <see cref="PieceList.Write"/> does.</summary>
    /// <param name="pieces">The pieces.</param>
    /// <param name="blockTokens">Tokens of a piece that a block takes; a piece of more has several blocks.</param>
    /// <param name="items">Room for <see cref="Most"/> items; those behind the last one are cleared.</param>
    /// <returns>Number of items.</returns>
    public static int Write(IReadOnlyList<Piece> pieces, int blockTokens, Span<int> items)
    {
        var (count, next) = (0, 0);
        foreach (var piece in pieces)
        {
            var (spans, blocks) = (PieceList.Spans(piece), PieceList.Blocks(piece, blockTokens));
            var parts = (spans + Spans - 1) / Spans;
            var first = parts > 1 ? next : 0;
            for (var rank = 0; rank < parts; rank++, count++)
            {
                var from = rank * Spans;
                var own = Math.Min(Spans, spans - from);
                PieceList.Item(items, count, [piece.Row, piece.Tokens, from, own, first, rank, parts, blocks]);
            }
            if (parts > 1) next += parts * blocks;
        }
        items[(count * PieceList.ItemLength)..].Clear();
        return count;
    }
}
