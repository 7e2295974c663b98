namespace Crosshead.Serving;

/// <summary>Gives sequences their pages, found or empty, and takes them back.</summary>
/// <param name="pool">The pages.</param>
/// <param name="tree">The computed prefixes.</param>
/// <param name="pageTokens">Tokens per page.</param>
internal sealed class PageTable(PagePool pool, PrefixTree tree, int pageTokens)
{
    /// <summary>Pages that are free, or can be freed without taking them from a sequence.</summary>
    public int Available => pool.Free + pool.Cached;

    /// <summary>Number of pages.</summary>
    public int Pages => pool.Pages;

    /// <summary>Pages that a number of tokens needs.</summary>
    public int PagesFor(int tokens) => (tokens + pageTokens - 1) / pageTokens;

    /// <summary>
    /// Finds the computed pages at the beginning of a sequence. Its last token is never among them, because somebody
    /// has to compute the logits after it.
    /// </summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="found">The pages; what it holds is replaced.</param>
    public void Find(Sequence sequence, List<PrefixNode> found)
    {
        found.Clear();
        if (!sequence.ReadsPrefixes) return;
        var most = (sequence.Tokens.Count - 1) / pageTokens;
        while (found.Count < most && Next(sequence, found) is { } node) found.Add(node);
    }

    /// <summary>
    /// Pages that must be available for the whole of a sequence, those among its prefix that nobody uses included.
    /// </summary>
    public int Need(Sequence sequence, List<PrefixNode> found)
    {
        var unused = 0;
        foreach (var node in found)
            if (node.Place is not null) unused++;
        return PagesFor(sequence.Tokens.Count) - found.Count + unused;
    }

    /// <summary>Gives a sequence pages for all its tokens, which <see cref="Need"/> has found available.</summary>
    public void Give(Sequence sequence, List<PrefixNode> found)
    {
        foreach (var node in found)
        {
            tree.Use(node);
            sequence.Pages.Add(node.Page);
        }
        sequence.Computed = found.Count * pageTokens;
        sequence.Published = found.Count;
        sequence.LastNode = found.Count > 0 ? found[^1] : null;
        sequence.HasMoved = true;
        for (var most = PagesFor(sequence.Tokens.Count); sequence.Pages.Count < most;)
            if (!TryGrow(sequence))
                throw new InvalidOperationException("pages that were available are not there.");
    }

    /// <summary>Gives a sequence one more page, if need be one that holds a prefix that nobody uses.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryGrow(Sequence sequence)
    {
        if (!pool.TryTake(out var page) && !(tree.TryEvict() && pool.TryTake(out page))) return false;
        sequence.Pages.Add(page);
        sequence.HasMoved = true;
        return true;
    }

    /// <summary>Takes all pages of a sequence, of which then nothing is computed.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="discarded">
    /// If given, what it has computed is of no use to others; the pages that are free then are added here.
    /// </param>
    public void Take(Sequence sequence, List<int>? discarded = null)
    {
        for (var i = sequence.Pages.Count - 1; i >= 0; i--)
        {
            if (discarded is null) tree.Release(sequence.Pages[i]);
            else if (tree.Discard(sequence.Pages[i])) discarded.Add(sequence.Pages[i]);
        }
        sequence.Pages.Clear();
        (sequence.Computed, sequence.Published, sequence.LastCount) = (0, 0, 0);
        (sequence.LastNode, sequence.IsPrivate) = (null, false);
    }

    /// <summary>
    /// Lets others find the computed whole pages of a sequence. A page that another sequence has published before is
    /// replaced by that one.
    /// </summary>
    public void Publish(Sequence sequence)
    {
        while (!sequence.IsPrivate && (sequence.Published + 1) * pageTokens <= sequence.Computed)
        {
            var (at, keys) = (sequence.Published, sequence.Keys);
            var own = sequence.Pages[at];
            var node = tree.Publish(sequence.LastNode, keys.Of(at), keys.Salt, keys.IdsOf(at), own);
            if (node is null)
            {
                sequence.IsPrivate = true;
                return;
            }
            if (node.Page != own)
            {
                tree.Use(node);
                tree.Release(own);
                sequence.Pages[at] = node.Page;
                sequence.HasMoved = true;
            }
            sequence.LastNode = node;
            sequence.Published++;
        }
    }

    /// <summary>
    /// Whether a sequence that computes its prompt holds the page that another one lacks next, and computes it within
    /// two steps.
    /// </summary>
    /// <param name="sequence">The other one, which waits.</param>
    /// <param name="found">Its pages that are computed.</param>
    /// <param name="running">The one that computes.</param>
    /// <param name="count">Tokens of it that a step computes.</param>
    public bool WillPublish(Sequence sequence, List<PrefixNode> found, Sequence running, int count)
    {
        var (at, end) = (found.Count, (found.Count + 1) * pageTokens);
        return sequence.ReadsPrefixes && end < sequence.Tokens.Count && end <= running.Tokens.Count
            && running.Published <= at && !running.IsPrivate && end - running.Computed <= 2 * count
            && running.Keys.Salt == sequence.Keys.Salt && running.Keys.Of(at) == sequence.Keys.Of(at);
    }

    /// <summary>Counts the computed pages of a sequence that waits as just used.</summary>
    public void Touch(Sequence sequence, List<PrefixNode> scratch)
    {
        Find(sequence, scratch);
        tree.Touch(scratch);
    }

    private PrefixNode? Next(Sequence sequence, List<PrefixNode> found) => tree.Find(
        found.Count > 0 ? found[^1] : null, sequence.Keys.Of(found.Count), sequence.Keys.Salt,
        sequence.Keys.IdsOf(found.Count));
}
