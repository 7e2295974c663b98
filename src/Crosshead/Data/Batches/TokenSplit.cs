namespace Crosshead.Data.Batches;

/// <summary>The tokens of one split as one long row, across shards. May be read by many threads.</summary>
public sealed class TokenSplit
{
    private readonly IReadOnlyList<TokenShard> _shards;
    private readonly long[] _starts; // token at which each shard begins, and the end
    private readonly int _vocabularySize;

    internal TokenSplit(string name, IReadOnlyList<TokenShard> shards, int vocabularySize)
    {
        (Name, _shards, _vocabularySize) = (name, shards, vocabularySize);
        _starts = new long[shards.Count + 1];
        for (var i = 0; i < shards.Count; i++) _starts[i + 1] = _starts[i] + shards[i].Tokens;
    }

    /// <summary>What the split is called in messages: <c>train</c> or <c>held-out</c>.</summary>
    public string Name { get; }

    /// <summary>Number of tokens.</summary>
    public long Tokens => _starts[^1];

    /// <summary>
    /// Number of windows of context + 1 tokens, each starting <paramref name="context"/> tokens after the previous one.
    /// </summary>
    /// <exception cref="CrossheadException">There is no window.</exception>
    public long Windows(int context)
    {
        if (context < 1) throw new CrossheadException($"context ({context}) must be at least 1.");
        if (Tokens == 0)
            throw new CrossheadException(
                $"the {Name} split holds no tokens; prepare more documents or another held-out fraction.");
        if (Tokens < 2)
            throw new CrossheadException(
                $"the {Name} split holds 1 token, and even a context of 1 needs 2; prepare more text.");
        if (context >= Tokens)
            throw new CrossheadException($"context ({context}) is longer than the {Name} split, which has {Tokens} "
                + $"tokens; use a context of at most {Tokens - 1}, or more text.");
        return (Tokens - 1) / context;
    }

    /// <summary>Copies the ids from token <paramref name="start"/> on, as many as the destination holds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The split ends before.</exception>
    /// <exception cref="CrossheadException">An id is beyond the vocabulary.</exception>
    public void Read(long start, Span<long> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Tokens - destination.Length);
        if (destination.IsEmpty) return;
        var found = Array.BinarySearch(_starts, start);
        for (var shard = found >= 0 ? found : ~found - 1; !destination.IsEmpty; shard++)
        {
            var within = start - _starts[shard];
            var count = (int)Math.Min(destination.Length, _shards[shard].Tokens - within);
            _shards[shard].Read(within, destination[..count], _vocabularySize);
            destination = destination[count..];
            start += count;
        }
    }

    // Inputs [context] and targets [context] of one window: the targets are the inputs one token later.
    internal void ReadWindow(long window, int context, Span<long> inputs, Span<long> targets)
    {
        var start = window * context;
        Read(start, inputs);
        inputs[1..].CopyTo(targets);
        Read(start + context, targets[^1..]);
    }
}
