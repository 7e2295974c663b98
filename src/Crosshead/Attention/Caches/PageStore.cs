namespace Crosshead.Attention.Caches;

/// <summary>
/// Pages of tokens, with one table of pages per slot for all layers. What lies in them is the heir's.
/// </summary>
internal abstract class PageStore : CacheStore, IPageStore
{
    /// <summary>Makes the tables.</summary>
    /// <param name="slots">Number of slots.</param>
    /// <param name="capacity">Most tokens per slot.</param>
    /// <param name="pages">Number of pages that slots are given by <see cref="Place"/>; null gives each slot pages of
    /// its own for all its tokens.</param>
    /// <param name="bytesPerToken">Bytes per token, through all layers.</param>
    protected PageStore(int slots, int capacity, int? pages, long bytesPerToken)
        : base(slots, capacity, bytesPerToken)
    {
        Tables = new PageTables(slots, capacity);
        Pages = pages ?? Tables.GiveEachItsOwn();
        BytesPerPage = bytesPerToken * PageTokens;
    }

    /// <inheritdoc/>
    public int PageTokens => PageTables.PageTokens;

    /// <inheritdoc/>
    public int Pages { get; }

    /// <inheritdoc/>
    public long BytesPerPage { get; }

    /// <summary>Which pages slots have.</summary>
    protected PageTables Tables { get; }

    /// <inheritdoc/>
    public void Place(int slot, ReadOnlySpan<int> pages, int length)
    {
        Tables.Place(slot, pages);
        Keep(slot, length);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<int> PagesOf(int slot) => Tables.Of(slot);

    /// <inheritdoc/>
    public abstract void Clear(ReadOnlySpan<int> pages);
}
