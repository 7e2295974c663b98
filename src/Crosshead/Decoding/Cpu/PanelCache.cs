using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The tokens that the CPU's kernels keep: pages of panels, layer by layer. The slots' tables are the same for all
/// layers.
/// </summary>
internal sealed class PanelCache : CacheStore, IPageStore, IDisposable
{
    private readonly PageTables _tables;
    private readonly bool[] _used; // by page

    /// <summary>Allocates the memory.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="scratch">Working memory of attention.</param>
    /// <param name="rotary">Angles of positions.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="capacity">Most tokens per slot.</param>
    /// <param name="pages">Number of pages that slots are given by <see cref="Place"/>; null gives each slot pages of
    /// its own for all its tokens.</param>
    /// <exception cref="CrossheadException">There is not enough.</exception>
    public PanelCache(CpuWeights weights, AttentionScratch scratch, RotaryTable rotary, int slots, int capacity,
        int? pages = null) : base(slots, capacity, weights.CacheBytesPerToken)
    {
        _tables = new PageTables(slots, capacity);
        Pages = pages ?? _tables.GiveEachItsOwn();
        _used = new bool[Pages];
        BytesPerPage = weights.CacheBytesPerToken * PageTokens;
        Layers = [.. Enumerable.Range(0, weights.Layers.Length)
            .Select(i => weights.CachedAttention(i, scratch, rotary, Pages, _tables))];
    }

    /// <summary>The attention of each layer with its pages.</summary>
    public IReadOnlyList<CachedAttention> Layers { get; }

    /// <inheritdoc/>
    public int PageTokens => PageTables.PageTokens;

    /// <inheritdoc/>
    public int Pages { get; }

    /// <inheritdoc/>
    public long BytesPerPage { get; }

    /// <inheritdoc/>
    public void Place(int slot, ReadOnlySpan<int> pages, int length)
    {
        _tables.Place(slot, pages);
        Keep(slot, length);
    }

    /// <summary>Makes room for a token, the next one of its slot.</summary>
    /// <exception cref="ArgumentException">The slot has no page for it.</exception>
    public void Take(in DecodeRow row)
    {
        var pages = _tables.Of(row.Slot);
        var index = row.Position / PageTokens;
        if (index >= pages.Length)
            throw new ArgumentException($"slot {row.Slot} has {pages.Length} pages, none for position {row.Position}.");
        Keep(row.Slot, row.Position + 1);
        if (row.Position % PageTokens > 0) return;
        var page = pages[index];
        // A number that is not finite would otherwise reach the sums of the page's new tokens.
        if (_used[page]) foreach (var layer in Layers) layer.ClearPage(page);
        _used[page] = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
