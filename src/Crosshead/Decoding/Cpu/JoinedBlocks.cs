namespace Crosshead.Decoding.Cpu;

/// <summary>The softmax of vectors over all blocks that they see.</summary>
/// <param name="pointer">[2 + blocks, stride]</param>
/// <param name="stride">Elements from row to row: vectors, whole sixteens of them.</param>
internal readonly unsafe struct JoinedBlocks(float* pointer, int stride)
{
    /// <summary>The largest scores [vector].</summary>
    public float* Maxima => pointer;

    /// <summary>The sums of weights e^(score − largest) [vector].</summary>
    public float* Sums => pointer + stride;

    /// <summary>What the sums of a block are multiplied by [vector].</summary>
    public float* Factors(int block) => pointer + ((2 + block) * (long)stride);

    /// <summary>Elements from the factors of a block to those of the next.</summary>
    public int Stride => stride;
}
