namespace Crosshead.Decoding.Cpu;

/// <summary>Which heads the vectors of a <see cref="ComposedTile"/> belong to.</summary>
internal interface ITileHeads
{
    /// <summary>The head of two vectors: 0 to 3 are cached rows, 4 to 7 are composed of them.</summary>
    /// <param name="pair">Vectors 2 · pair and 2 · pair + 1.</param>
    static abstract int HeadOf(int pair);
}
