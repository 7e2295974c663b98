namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// Shares the attention of a pass out to the multiprocessors of a device. Each block gets some whole sequences, or all
/// get the same number of spans of 64 tokens, one sequence after the other: where a share ends within a sequence, this
/// becomes several items (<c>pieces.cuh</c>). The better of the two is written.
/// </summary>
internal static class ShareList
{
    // One block joins all items of a row: at most this many, or the root of its spans if that is more.
    private const int MostItems = 8;

    // What an item costs beside its spans, in spans: it is written, or left for others to join (measured).
    private const int SpansOfItem = 3, SpansOfPart = 8;

    /// <summary>Most items of so many rows.</summary>
    public static int Most(int rows, int blocks) => rows + blocks;

    /// <summary>Writes the items of rows, and of each block where its items begin.</summary>
    /// <param name="rows">The rows, each a piece of one token.</param>
    /// <param name="starts">Receives the first item of each block and, behind the last block, the number of
    /// items.</param>
    /// <param name="items">Room for <see cref="Most"/> items of <see cref="PieceList.ItemLength"/> numbers.</param>
    /// <returns>Number of items.</returns>
    public static int Write(IReadOnlyList<Piece> rows, Span<int> starts, Span<int> items)
    {
        var count = Cut(rows, starts, items);
        var blocks = Whole(rows, starts.Length - 1);
        if (blocks.Max(Cost) >= MostOf(starts, items)) return count;
        count = 0;
        for (var block = 0; block < blocks.Length; block++)
        {
            starts[block] = count;
            foreach (var row in blocks[block])
                PieceList.Item(items, count++, [row.Row, 1, 0, PieceList.Spans(row), 0, 0, 1, 1]);
        }
        starts[^1] = count;
        return count;
    }

    // Whole rows: the longest first, each to the block that has the least to do.
    private static List<Piece>[] Whole(IReadOnlyList<Piece> rows, int count)
    {
        List<Piece>[] blocks = [.. Enumerable.Range(0, count).Select(_ => new List<Piece>())];
        var queue = new PriorityQueue<int, (int Cost, int Block)>(
            Enumerable.Range(0, count).Select(block => (block, (0, block))));
        foreach (var row in rows.OrderByDescending(PieceList.Spans))
        {
            queue.TryPeek(out var block, out var load);
            blocks[block].Add(row);
            queue.DequeueEnqueue(block, (load.Cost + PieceList.Spans(row) + SpansOfItem, block));
        }
        return blocks;
    }

    private static int Cost(List<Piece> rows) => rows.Sum(PieceList.Spans) + (rows.Count * SpansOfItem);

    // What the block costs that has the most to do.
    private static int MostOf(ReadOnlySpan<int> starts, ReadOnlySpan<int> items)
    {
        var most = 0;
        for (var block = 0; block + 1 < starts.Length; block++)
        {
            var own = 0;
            for (var i = starts[block]; i < starts[block + 1]; i++)
            {
                var item = items.Slice(i * PieceList.ItemLength, PieceList.ItemLength);
                own += item[3] + (item[6] > 1 ? SpansOfPart : SpansOfItem);
            }
            most = Math.Max(most, own);
        }
        return most;
    }

    // Equal shares.
    private static int Cut(IReadOnlyList<Piece> rows, Span<int> starts, Span<int> items)
    {
        var blocks = starts.Length - 1;
        var all = 0L;
        foreach (var row in rows) all += PieceList.Spans(row) + SpansOfItem;
        var (block, count, parts, before) = (0, 0, 0, 0L);
        starts[0] = 0;
        foreach (var row in rows)
        {
            var (spans, from, first) = (PieceList.Spans(row), 0, count);
            var least = Math.Max(1, spans / Math.Max(MostItems, (int)Math.Sqrt(spans)));
            for (; block + 1 < blocks; block++)
            {
                // The block's end, in spans of this row: one too near to an end of the row moves there.
                var cut = (int)((all * (block + 1) / blocks) - before - SpansOfItem);
                if (spans - cut < least) break;
                if (cut - from >= least)
                {
                    PieceList.Item(items, count++, [row.Row, 1, from, cut - from, 0, 0, 1, 1]);
                    from = cut;
                }
                starts[block + 1] = count;
            }
            PieceList.Item(items, count++, [row.Row, 1, from, spans - from, 0, 0, 1, 1]);
            var own = count - first;
            for (var rank = 0; rank < own; rank++)
            {
                var item = items.Slice((first + rank) * PieceList.ItemLength, PieceList.ItemLength);
                (item[4], item[5], item[6]) = (own > 1 ? parts : 0, rank, own);
            }
            if (own > 1) parts += own;
            before += spans + SpansOfItem;
        }
        starts[(block + 1)..].Fill(count);
        return count;
    }
}
