namespace Crosshead.Attention.Caches;

/// <summary>
/// A cache whose tokens lie in pages. A slot's table says which pages hold its tokens; slots may share pages whose
/// tokens are equal. Who uses the cache decides which pages are free.
/// </summary>
public interface IPageStore : ICacheStore
{
    /// <summary>Tokens per page, through all layers.</summary>
    int PageTokens { get; }

    /// <summary>Number of pages, numbered from 0.</summary>
    int Pages { get; }

    /// <summary>Bytes per page, through all layers.</summary>
    long BytesPerPage { get; }

    /// <summary>
    /// Says where the tokens of a slot lie: token t in page <c>pages[t div PageTokens]</c>. New tokens are written
    /// to the pages behind those that are kept.
    /// </summary>
    /// <param name="slot">The slot.</param>
    /// <param name="pages">Its pages, in order; copied.</param>
    /// <param name="length">Number of tokens that the pages hold already.</param>
    void Place(int slot, ReadOnlySpan<int> pages, int length);

    /// <summary>
    /// Sets pages to zero. Do so before other tokens use the pages of a sequence that had numbers that are not finite:
    /// sums multiply what lies behind a sequence's last token by zero.
    /// </summary>
    void Clear(ReadOnlySpan<int> pages);

    /// <summary>The pages of a slot, in order; valid until they are replaced.</summary>
    ReadOnlySpan<int> PagesOf(int slot);
}
