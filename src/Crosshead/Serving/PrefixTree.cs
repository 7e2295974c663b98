namespace Crosshead.Serving;

/// <summary>
/// The computed prefixes, as an exact tree of whole pages. A page is found by the hash of all tokens up to its end, and
/// its tokens are compared, so that equal hashes of different tokens do no harm. A sequence that uses a page uses all
/// pages before it, and gives them back from the last one on. So the page unused for the longest time is never followed
/// by another one.
/// </summary>
/// <param name="pool">The pages.</param>
/// <param name="keeps">Whether pages that no sequence uses are kept until they are needed.</param>
internal sealed class PrefixTree(PagePool pool, bool keeps)
{
    private readonly Dictionary<UInt128, PrefixNode> _nodes = [];
    private readonly PrefixNode?[] _nodeOf = new PrefixNode?[pool.Pages];
    private readonly LinkedList<PrefixNode> _unused = []; // the longest unused first

    /// <summary>Number of pages in the tree.</summary>
    public int Count => _nodes.Count;

    /// <summary>The page that follows another one and holds certain tokens; null if it is not computed.</summary>
    /// <param name="parent">The page before; null for the first page.</param>
    /// <param name="key">Hash of all tokens up to the page's end.</param>
    /// <param name="salt">The name space.</param>
    /// <param name="ids">The page's tokens.</param>
    public PrefixNode? Find(PrefixNode? parent, UInt128 key, string? salt, ReadOnlySpan<int> ids) =>
        _nodes.TryGetValue(key, out var node) && node.Is(parent, salt, ids) ? node : null;

    /// <summary>Puts a sequence's page into the tree, unless an equal one is there.</summary>
    /// <param name="parent">The page before, which the sequence uses; null for the first page.</param>
    /// <param name="key">Hash of all tokens up to the page's end.</param>
    /// <param name="salt">The name space.</param>
    /// <param name="ids">The page's tokens.</param>
    /// <param name="page">Where they lie.</param>
    /// <returns>
    /// The page in the tree, which may be another one with equal tokens; null if different tokens have the same hash.
    /// </returns>
    public PrefixNode? Publish(PrefixNode? parent, UInt128 key, string? salt, ReadOnlySpan<int> ids, int page)
    {
        if (_nodes.TryGetValue(key, out var found)) return found.Is(parent, salt, ids) ? found : null;
        var node = new PrefixNode(key, parent, salt, ids.ToArray(), page);
        _nodes.Add(key, node);
        _nodeOf[page] = node;
        pool.Keep(page);
        return node;
    }

    /// <summary>One more sequence uses a page of the tree.</summary>
    public void Use(PrefixNode node)
    {
        pool.Share(node.Page);
        if (node.Place is not { } place) return;
        _unused.Remove(place);
        node.Place = null;
    }

    /// <summary>One sequence less uses a page, whether it is in the tree or not.</summary>
    public void Release(int page)
    {
        if (!pool.Release(page) || _nodeOf[page] is not { } node) return;
        if (keeps) node.Place = _unused.AddLast(node);
        else Remove(node);
    }

    /// <summary>One sequence less uses a page, which then is not kept for others.</summary>
    /// <returns>Whether the page is free now.</returns>
    public bool Discard(int page)
    {
        if (pool.UsersOf(page) == 1 && _nodeOf[page] is { } node) Remove(node);
        return pool.Release(page);
    }

    /// <summary>Counts pages as just used.</summary>
    /// <param name="nodes">Pages that follow each other.</param>
    public void Touch(List<PrefixNode> nodes)
    {
        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            if (nodes[i].Place is not { } place) continue;
            _unused.Remove(place);
            _unused.AddLast(place);
        }
    }

    /// <summary>Frees the page that no sequence has used for the longest time.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryEvict()
    {
        if (_unused.First is not { } first) return false;
        _unused.RemoveFirst();
        Remove(first.Value);
        return true;
    }

    /// <summary>Frees all pages that no sequence uses.</summary>
    public void Clear()
    {
        while (TryEvict()) { }
    }

    private void Remove(PrefixNode node)
    {
        node.Place = null;
        _nodes.Remove(node.Key);
        _nodeOf[node.Page] = null;
        pool.Forget(node.Page);
    }
}
