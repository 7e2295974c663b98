namespace Crosshead.Data.Recall;

/// <summary>Draws that are the same on every machine (<see cref="SplitMix64"/>).</summary>
internal sealed class RecallRandom
{
    private ulong _state;

    /// <summary>Starts the stream of a seed, a purpose and a number. All three are mixed.</summary>
    public RecallRandom(long seed, RecallPurpose purpose, long number)
    {
        foreach (var part in new[] { (ulong)seed, (ulong)purpose, (ulong)number })
        {
            _state ^= part;
            _state = Next();
        }
    }

    /// <summary>A whole number from 0 to <paramref name="count"/> − 1.</summary>
    public int Below(int count) => (int)(((UInt128)Next() * (ulong)count) >> 64);

    /// <summary>A number from 0 to less than 1.</summary>
    public double Share() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>One of the items.</summary>
    public T OneOf<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>Some of the items, each at most once, in random order.</summary>
    public T[] Some<T>(IEnumerable<T> items, int count)
    {
        var drawn = items.ToArray();
        for (var i = 0; i < count; i++)
        {
            var j = i + Below(drawn.Length - i);
            (drawn[i], drawn[j]) = (drawn[j], drawn[i]);
        }
        return drawn[..count];
    }

    private ulong Next() => SplitMix64.Next(ref _state);
}
