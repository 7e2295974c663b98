using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.TensorParallel;

/// <summary>The same of caches whose tokens lie in pages. A page has the same number on all ranks.</summary>
/// <param name="ranks">Those of the ranks.</param>
/// <param name="run">Does some work on all ranks at once.</param>
internal sealed class SharedPages(IReadOnlyList<IPageStore> ranks, Action<Action<int>> run)
    : SharedCache(ranks), IPageStore
{
    /// <inheritdoc/>
    public int PageTokens => ranks[0].PageTokens;

    /// <inheritdoc/>
    public int Pages => ranks[0].Pages;

    /// <inheritdoc/>
    public long BytesPerPage => ranks.Sum(r => r.BytesPerPage);

    /// <inheritdoc/>
    public void Place(int slot, ReadOnlySpan<int> pages, int length)
    {
        foreach (var rank in ranks) rank.Place(slot, pages, length);
    }

    /// <inheritdoc/>
    public void Clear(ReadOnlySpan<int> pages)
    {
        var all = pages.ToArray();
        run(rank => ranks[rank].Clear(all));
    }

    /// <inheritdoc/>
    public ReadOnlySpan<int> PagesOf(int slot) => ranks[0].PagesOf(slot);
}
