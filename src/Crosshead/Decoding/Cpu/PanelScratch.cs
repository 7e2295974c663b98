namespace Crosshead.Decoding.Cpu;

/// <summary>Memory of a thread for products with elements that have scales.</summary>
/// <param name="encoded">Encoded vectors.</param>
/// <param name="sums">Sums that are not decoded.</param>
/// <param name="factors">[groups · vectors]</param>
/// <param name="scaled">A row of weights.</param>
internal readonly unsafe struct PanelScratch(PanelVectors encoded, float* sums, float* factors, float* scaled)
{
    /// <summary>What encoded vectors are multiplied by, [group, vector].</summary>
    public float* Factors => factors;

    /// <summary>A row of weights, multiplied by scales.</summary>
    public float* Scaled => scaled;

    /// <summary>Room for encoded vectors.</summary>
    public PanelVectors Encoded(int count) => encoded.Slice(0, count);

    /// <summary>Room for sums, side by side.</summary>
    public PanelVectors Sums(int width, int count) => new(sums, width, count);
}
