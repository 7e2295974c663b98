namespace Crosshead.Serving;

/// <summary>
/// Which pages of a cache are free. A page is free, owned (some sequence uses it), or cached (no sequence uses it, but
/// it holds a computed prefix): free + owned + cached = all.
/// </summary>
internal sealed class PagePool
{
    private readonly int[] _users;  // sequences that use a page
    private readonly bool[] _kept;  // whether it holds a computed prefix
    private readonly int[] _free;   // the free pages are the first ones here; the last of them goes next

    /// <summary>All pages are free.</summary>
    public PagePool(int pages)
    {
        (_users, _kept, _free) = (new int[pages], new bool[pages], new int[pages]);
        for (var page = 0; page < pages; page++) _free[page] = pages - 1 - page;
        Free = pages;
    }

    /// <summary>Number of pages.</summary>
    public int Pages => _free.Length;

    /// <summary>Pages that hold nothing.</summary>
    public int Free { get; private set; }

    /// <summary>Pages that hold a computed prefix, and that no sequence uses.</summary>
    public int Cached { get; private set; }

    /// <summary>Number of sequences that use a page.</summary>
    public int UsersOf(int page) => _users[page];

    /// <summary>Gives a free page to one sequence.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryTake(out int page)
    {
        page = -1;
        if (Free == 0) return false;
        page = _free[--Free];
        _users[page] = 1;
        return true;
    }

    /// <summary>One more sequence uses a page that is owned or cached.</summary>
    public void Share(int page)
    {
        if (_users[page]++ > 0) return;
        if (!_kept[page]) throw new InvalidOperationException($"page {page} is free, and cannot be shared.");
        Cached--;
    }

    /// <summary>One sequence less uses a page.</summary>
    /// <returns>Whether no sequence uses it any more.</returns>
    public bool Release(int page)
    {
        if (_users[page] == 0) throw new InvalidOperationException($"page {page} was released twice.");
        if (--_users[page] > 0) return false;
        if (_kept[page]) Cached++;
        else _free[Free++] = page;
        return true;
    }

    /// <summary>A page that is owned holds a computed prefix from now on.</summary>
    public void Keep(int page) => _kept[page] = true;

    /// <summary>What a page holds is not needed any more.</summary>
    public void Forget(int page)
    {
        _kept[page] = false;
        if (_users[page] > 0) return;
        Cached--;
        _free[Free++] = page;
    }
}
