namespace Crosshead.Decoding.Cpu;

/// <summary>Positions of a block.</summary>
/// <param name="First">First position.</param>
/// <param name="End">One past the last position.</param>
internal readonly unsafe record struct AttentionSpan(int First, int End)
{
    /// <summary>First position that is read: the multiple of 16 at or before <see cref="First"/>.</summary>
    public int Start => First / Panel.Lanes * Panel.Lanes;

    /// <summary>Number of positions that are read.</summary>
    public int Count => End - Start;

    /// <summary>Number of scores that are read, rounded up to a multiple of 16.</summary>
    public int Length => Panel.Round(Count);

    /// <summary>Whether nothing else is read.</summary>
    public bool IsWhole => First == Start && Count == Length;

    /// <summary>Sets the scores [length] of positions that are read but not seen to −∞.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="seen">The positions that are seen, within this span.</param>
    public void Mask(float* scores, AttentionSpan seen)
    {
        new Span<float>(scores, seen.First - Start).Fill(float.NegativeInfinity);
        new Span<float>(scores + seen.End - Start, Length - (seen.End - Start)).Fill(float.NegativeInfinity);
    }
}
