namespace Crosshead.Decoding.Cpu;

/// <summary>The positions of a block that a token sees.</summary>
/// <param name="First">The first of them.</param>
/// <param name="End">One past the last.</param>
internal readonly unsafe record struct AttentionSpan(int First, int End)
{
    /// <summary>The position at which reading begins: the multiple of 16 at or before the first.</summary>
    public int Start => First / Panel.Lanes * Panel.Lanes;

    /// <summary>Positions that are read.</summary>
    public int Count => End - Start;

    /// <summary>Number of scores that are read, rounded up to a multiple of 16.</summary>
    public int Length => Panel.Round(Count);

    /// <summary>Sets the scores [length] of positions that are read but not seen to −∞.</summary>
    public void Mask(float* scores)
    {
        new Span<float>(scores, First - Start).Fill(float.NegativeInfinity);
        new Span<float>(scores + Count, Length - Count).Fill(float.NegativeInfinity);
    }
}
