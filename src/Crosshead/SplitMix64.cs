namespace Crosshead;

/// <summary>The generator SplitMix64 (Steele, Lea and Flood, 2014).</summary>
internal static class SplitMix64
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    /// <summary>The next number of a stream.</summary>
    /// <param name="state">The stream's state, which moves on.</param>
    public static ulong Next(ref ulong state)
    {
        var number = Mix(state);
        state += Step;
        return number;
    }

    /// <summary>The number that follows a state: every bit of the state reaches every bit of the number.</summary>
    public static ulong Mix(ulong state)
    {
        var z = state + Step;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
