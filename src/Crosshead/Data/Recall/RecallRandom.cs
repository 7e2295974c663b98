namespace Crosshead.Data.Recall;

/// <summary>Draws that are the same on every machine: SplitMix64 (Steele, Lea and Flood, 2014).</summary>
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

    private ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
