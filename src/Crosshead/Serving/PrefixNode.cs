namespace Crosshead.Serving;

/// <summary>One page of a computed prefix.</summary>
/// <param name="key">Hash of all tokens up to the page's end, and of the name space.</param>
/// <param name="parent">The page before it; null for the first.</param>
/// <param name="salt">The name space; null for the common one.</param>
/// <param name="ids">The page's tokens.</param>
/// <param name="page">Where they lie.</param>
internal sealed class PrefixNode(UInt128 key, PrefixNode? parent, string? salt, int[] ids, int page)
{
    /// <summary>Hash of all tokens up to the page's end, and of the name space.</summary>
    public UInt128 Key => key;

    /// <summary>The page before it; null for the first.</summary>
    public PrefixNode? Parent => parent;

    /// <summary>Where its tokens lie.</summary>
    public int Page => page;

    /// <summary>Its place among the pages that no sequence uses.</summary>
    public LinkedListNode<PrefixNode>? Place { get; set; }

    /// <summary>Whether it continues a page with certain tokens in a name space.</summary>
    public bool Is(PrefixNode? before, string? space, ReadOnlySpan<int> tokens) =>
        ReferenceEquals(before, parent) && space == salt && tokens.SequenceEqual(ids);
}
