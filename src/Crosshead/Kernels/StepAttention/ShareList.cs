using System.Buffers;

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

    private const int RowBits = 24; // of a row's number

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
        var blocks = starts.Length - 1;
        var rented = ArrayPool<long>.Shared.Rent(rows.Count + blocks);
        var places = rented.AsSpan(0, rows.Count);
        var loads = rented.AsSpan(rows.Count, blocks);
        if (Whole(rows, places, loads) < MostOf(starts, items)) count = WriteWhole(rows, places, starts, items);
        ArrayPool<long>.Shared.Return(rented);
        return count;
    }

    // Whole rows: the longest first, each to the block that has the least to do. Receives where each goes, in the order
    // of the blocks: a block, the turn in which the row came, and the row. Returns what the block costs that has the
    // most to do. The loads are a heap of costs and blocks.
    private static int Whole(IReadOnlyList<Piece> rows, Span<long> places, Span<long> loads)
    {
        for (var row = 0; row < rows.Count; row++)
            places[row] = (long)(int.MaxValue - PieceList.Spans(rows[row])) << 32 | (uint)row;
        places.Sort();
        for (var block = 0; block < loads.Length; block++) loads[block] = block;
        var most = 0L;
        for (var turn = 0; turn < places.Length; turn++)
        {
            var (row, load) = ((int)places[turn], loads[0]);
            places[turn] = (load % loads.Length << (2 * RowBits)) | ((long)turn << RowBits) | (uint)row;
            load += (long)(PieceList.Spans(rows[row]) + SpansOfItem) * loads.Length;
            most = Math.Max(most, load / loads.Length);
            var at = 0;
            for (int child; (child = (2 * at) + 1) < loads.Length; at = child)
            {
                if (child + 1 < loads.Length && loads[child + 1] < loads[child]) child++;
                if (loads[child] >= load) break;
                loads[at] = loads[child];
            }
            loads[at] = load;
        }
        places.Sort();
        return (int)most;
    }

    private static int WriteWhole(IReadOnlyList<Piece> rows, ReadOnlySpan<long> places, Span<int> starts,
        Span<int> items)
    {
        var (count, block) = (0, 0);
        foreach (var place in places)
        {
            while (block <= place >> (2 * RowBits)) starts[block++] = count;
            var row = rows[(int)(place & ((1L << RowBits) - 1))];
            PieceList.Item(items, count++, [row.Row, 1, 0, PieceList.Spans(row), 0, 0, 1, 1]);
        }
        starts[block..].Fill(count);
        return count;
    }

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
