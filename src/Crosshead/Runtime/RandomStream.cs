namespace Crosshead.Runtime;

/// <summary>
/// Random numbers that are the same on every machine and runtime: SplitMix64 (Steele, Lea and Flood, 2014).
/// </summary>
internal struct RandomStream
{
    private const ulong Step = 0x9E3779B97F4A7C15;
    private ulong _state;

    /// <summary>Stream number <paramref name="stream"/> of a seed; streams of one seed are independent.</summary>
    public RandomStream(long seed, int stream)
    {
        _state = (ulong)seed;
        _state = Next() + ((ulong)stream * 0xD1342543DE82EF95);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    private ulong Next()
    {
        var z = _state += Step;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
