using Crosshead.Text.Tokenizers;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Which tokens of a tokenizer may come next in a grammar. A mask is computed once for each state of a grammar, and a
/// bounded number of masks is kept. Special tokens are allowed only where a grammar names them. Safe for several
/// threads.
/// </summary>
public sealed class TokenMasks
{
    private const long KeptBytes = 64 << 20;

    private readonly Lock _lock = new();
    private readonly TokenTrie _trie;
    private readonly byte[][] _bytes;
    private readonly Dictionary<GrammarState, ulong[]> _masks = [];
    private readonly int _most;

    /// <summary>Prepares the masks of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="width">
    /// Number of the model's logits, which may differ from the size of the vocabulary. Ids beyond either are never
    /// allowed.
    /// </param>
    public TokenMasks(Tokenizer tokenizer, int width)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Width = width;
        _trie = new TokenTrie(tokenizer, width);
        _bytes = _trie.BytesById(width);
        None = new ulong[Words];
        _most = (int)Math.Max(16, KeptBytes / (Words * sizeof(ulong)));
    }

    /// <summary>Number of bits of a mask: the number of logits.</summary>
    public int Width { get; }

    /// <summary>The mask without any token.</summary>
    internal ulong[] None { get; }

    private int Words => (Width + 63) / 64;

    /// <summary>The bytes that a token adds to the text; none if it adds no text.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id) => (uint)id < (uint)_bytes.Length ? _bytes[id] : [];

    /// <summary>The tokens that may come next, one bit for each, the lowest bit first.</summary>
    internal ulong[] Allowed(GrammarState state)
    {
        lock (_lock)
            if (_masks.TryGetValue(state, out var known)) return known;
        var mask = Compute(state);
        lock (_lock)
        {
            if (_masks.Count >= _most) _masks.Clear();
            _masks[state] = mask;
        }
        return mask;
    }

    private ulong[] Compute(GrammarState state)
    {
        // A grammar that finds too many states on the way gets a mask of short tokens. They can spell any text.
        for (var longest = _trie.Deepest; longest > 1; longest = Math.Min(longest / 2, 4))
            if (Compute(state, longest, GrammarLimits.StatesPerMask) is { } mask) return mask;
        return Compute(state, 1, long.MaxValue)!;
    }

    private ulong[]? Compute(GrammarState begin, int longest, long newStates)
    {
        var mask = new ulong[Words];
        if (!begin.MayContinue) return mask;
        var most = begin.Found + newStates;
        var reached = new GrammarState[longest + 1];
        reached[0] = begin;
        var (bytes, depths, ends, tokens, ids) = (_trie.Bytes, _trie.Depths, _trie.Ends, _trie.Tokens, _trie.Ids);
        for (var node = 0; node < bytes.Length;)
        {
            var depth = depths[node];
            if (depth > longest || reached[depth - 1].Next(bytes[node]) is not { } next)
            {
                node = ends[node];
                continue;
            }
            if (begin.Found > most) return null;
            reached[depth] = next;
            for (var token = tokens[node]; token < tokens[node + 1]; token++)
                mask[ids[token] >> 6] |= 1UL << (ids[token] & 63);
            node++;
        }
        return mask;
    }
}
