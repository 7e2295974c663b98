namespace Crosshead.Serving;

/// <summary>
/// A sequence of tokens as the scheduler sees it: how much of it is computed, and where that lies. It waits, or it has
/// a slot and pages.
/// </summary>
internal class Sequence : IComparable<Sequence>
{
    /// <summary>A sequence of which nothing is computed.</summary>
    /// <param name="tokens">Its tokens, to which those that are drawn are added.</param>
    /// <param name="mostTokens">Most tokens it can have.</param>
    /// <param name="pageTokens">Tokens per page.</param>
    /// <param name="salt">The name space of its prefixes; null for the common one.</param>
    public Sequence(List<int> tokens, int mostTokens, int pageTokens, string? salt) =>
        (Tokens, MostTokens, Keys) = (tokens, mostTokens, new PrefixKeys(tokens, pageTokens, salt));

    /// <summary>Its tokens, prompt and drawn ones.</summary>
    public List<int> Tokens { get; }

    /// <summary>Most tokens it can have.</summary>
    public int MostTokens { get; }

    /// <summary>The hashes of its pages.</summary>
    public PrefixKeys Keys { get; }

    /// <summary>Sequences with a smaller number go first.</summary>
    public int Priority { get; init; }

    /// <summary>Its place in the order of arrival.</summary>
    public long Arrival { get; set; }

    /// <summary>Its slot; −1 while it waits.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Number of its tokens that are computed.</summary>
    public int Computed { get; set; }

    /// <summary>Number of its tokens that are not computed.</summary>
    public int Left => Tokens.Count - Computed;

    /// <summary>Its pages, in order.</summary>
    public List<int> Pages { get; } = [];

    /// <summary>Number of its pages that are in the tree of prefixes.</summary>
    public int Published { get; set; }

    /// <summary>The last of them.</summary>
    public PrefixNode? LastNode { get; set; }

    /// <summary>Whether its further pages cannot be published.</summary>
    public bool IsPrivate { get; set; }

    /// <summary>Whether its pages are others than the decoder knows.</summary>
    public bool HasMoved { get; set; }

    /// <summary>Whether it may use computed prefixes.</summary>
    public virtual bool ReadsPrefixes => true;

    /// <summary>Whether the logits of its prompt are wanted, a limited number of which is computed in a step.</summary>
    public virtual bool WantsPromptRows => false;

    /// <summary>Whether it rests, because nobody takes what it has drawn.</summary>
    public bool IsPaused { get; set; }

    /// <summary>
    /// Whether who reads it has fallen behind with others that were asked for together with it; it starts last then.
    /// </summary>
    public virtual bool IsBehind => false;

    /// <summary>Tokens that the last step computed of it.</summary>
    public int LastCount { get; set; }

    /// <summary>Steps in a row that computed others' prompts and not its own.</summary>
    public int PassedOver { get; set; }

    /// <summary>Later sequences that started while it waited for pages.</summary>
    public int Overtaken { get; set; }

    /// <summary>Steps that it waited for another one to compute their common prefix.</summary>
    public int Waited { get; set; }

    /// <summary>How often it lost its pages.</summary>
    public int Preemptions { get; set; }

    /// <inheritdoc/>
    public int CompareTo(Sequence? other) => other is null ? -1
        : Priority != other.Priority ? Priority.CompareTo(other.Priority) : Arrival.CompareTo(other.Arrival);
}
