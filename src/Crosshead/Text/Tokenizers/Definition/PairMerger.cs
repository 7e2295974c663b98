using System.Buffers;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// Byte pair encoding of one word. While a pair of neighbours has a merge, the pair with the lowest rank becomes one
/// token, among equals the leftmost.
/// </summary>
internal sealed class PairMerger(MergeTable merges)
{
    private const int ShortWord = 48; // up to here a scan for the lowest rank beats a heap

    /// <summary>
    /// Merges <paramref name="symbols"/> in place and returns the number of remaining symbols, which are at its start.
    /// </summary>
    public int Merge(Span<int> symbols) => symbols.Length <= ShortWord ? MergeShort(symbols) : MergeLong(symbols);

    private int MergeShort(Span<int> symbols)
    {
        var count = symbols.Length;
        if (count < 2)
            return count;
        Span<int> ranks = stackalloc int[ShortWord]; // of the pair that begins at each symbol
        for (var i = 0; i + 1 < count; i++)
            ranks[i] = merges[symbols[i], symbols[i + 1]].Rank;
        while (count > 1)
        {
            var best = 0;
            for (var i = 1; i < count - 1; i++)
                if (ranks[i] < ranks[best])
                    best = i;
            if (ranks[best] == MergeTable.None)
                break;
            symbols[best] = merges[symbols[best], symbols[best + 1]].Id;
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            if (best + 2 < count)
                ranks[(best + 2)..count].CopyTo(ranks[(best + 1)..]);
            count--;
            if (best > 0)
                ranks[best - 1] = merges[symbols[best - 1], symbols[best]].Rank;
            ranks[best] = best + 1 < count ? merges[symbols[best], symbols[best + 1]].Rank : MergeTable.None;
        }
        return count;
    }

    // The same over a linked list and a heap of (rank, position): n log n for a run of any length.
    private int MergeLong(Span<int> symbols)
    {
        var links = ArrayPool<int>.Shared.Rent(symbols.Length * 2);
        var previous = links.AsSpan(0, symbols.Length);
        var next = links.AsSpan(symbols.Length, symbols.Length);
        var heap = new PriorityQueue<int, (int Rank, int Position)>();
        for (var i = 0; i < symbols.Length; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1;
            Offer(heap, symbols, i, i + 1);
        }
        while (heap.TryDequeue(out var at, out var priority))
        {
            var right = next[at];
            var merge = symbols[at] < 0 || right >= symbols.Length ? (Rank: MergeTable.None, Id: -1)
                : merges[symbols[at], symbols[right]];
            if (merge.Rank != priority.Rank)
                continue; // an entry from before one of its two symbols was merged away
            symbols[at] = merge.Id;
            symbols[right] = -1;
            next[at] = next[right];
            if (next[at] < symbols.Length)
                previous[next[at]] = at;
            Offer(heap, symbols, at, next[at]);
            if (previous[at] >= 0)
                Offer(heap, symbols, previous[at], at);
        }
        ArrayPool<int>.Shared.Return(links);
        var count = 0;
        foreach (var symbol in symbols)
            if (symbol >= 0)
                symbols[count++] = symbol;
        return count;
    }

    private void Offer(PriorityQueue<int, (int Rank, int Position)> heap, Span<int> symbols, int left, int right)
    {
        if (right < symbols.Length && merges[symbols[left], symbols[right]].Rank is var rank and not MergeTable.None)
            heap.Enqueue(left, (rank, left));
    }
}
