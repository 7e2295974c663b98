namespace Crosshead.Attention.Caches;

/// <summary>Says which pages hold the tokens of each slot.</summary>
internal sealed class PageTables
{
    /// <summary>Tokens per page.</summary>
    public const int PageTokens = 64;

    private readonly int[] _pages; // [slot, most]
    private readonly int[] _counts;
    private readonly int _most;

    /// <summary>Tables without pages.</summary>
    /// <param name="slots">Number of slots.</param>
    /// <param name="capacity">Most tokens per slot.</param>
    public PageTables(int slots, int capacity)
    {
        _most = PagesFor(capacity);
        // one more: kernels look at the page behind the last
        (_pages, _counts) = (new int[((long)slots * _most) + 1], new int[slots]);
    }

    /// <summary>Number of pages that hold so many tokens.</summary>
    public static int PagesFor(int tokens) => (tokens + PageTokens - 1) / PageTokens;

    /// <summary>Gives each slot pages of its own for all tokens it may hold, and returns their number.</summary>
    public int GiveEachItsOwn()
    {
        var pages = _counts.Length * _most;
        for (var page = 0; page < pages; page++) _pages[page] = page;
        Array.Fill(_counts, _most);
        return pages;
    }

    /// <summary>The pages of a slot, in order.</summary>
    public ReadOnlySpan<int> Of(int slot) => _pages.AsSpan(slot * _most, _counts[slot]);

    /// <summary>The page of a token.</summary>
    public int PageOf(int slot, int position) => _pages[(slot * _most) + (position / PageTokens)];

    /// <summary>Replaces the pages of a slot.</summary>
    /// <exception cref="ArgumentException">They hold more tokens than the slot may.</exception>
    public void Place(int slot, ReadOnlySpan<int> pages)
    {
        if (pages.Length > _most)
            throw new ArgumentException($"{pages.Length} pages for slot {slot}, which takes at most {_most}.");
        pages.CopyTo(_pages.AsSpan(slot * _most));
        _counts[slot] = pages.Length;
    }
}
