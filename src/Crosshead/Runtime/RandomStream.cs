namespace Crosshead.Runtime;

/// <summary>
/// Random numbers that are the same on every machine and runtime (<see cref="SplitMix64"/>).
/// </summary>
internal struct RandomStream
{
    private ulong _state;

    /// <summary>Stream number <paramref name="stream"/> of a seed; streams of one seed are independent.</summary>
    public RandomStream(long seed, int stream)
    {
        _state = (ulong)seed;
        _state = Next() + ((ulong)stream * 0xD1342543DE82EF95);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    private ulong Next() => SplitMix64.Next(ref _state);
}
