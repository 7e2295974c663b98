using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Reads the numbers of a format as registers of float32, exactly as <see cref="Weights.WeightFormat.Read"/> defines
/// them. A block has runs, which are as many columns as are read at once.
/// </summary>
internal unsafe interface IWeightBlock
{
    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Runs of a block.</summary>
    static abstract int Runs { get; }

    /// <summary>Columns of a run, 16 or 32.</summary>
    static abstract int Columns { get; }

    /// <summary>Prepares what all runs of a block need.</summary>
    /// <param name="block">Address of the block.</param>
    /// <param name="scales">[16]; receives it.</param>
    static abstract void Prepare(byte* block, float* scales);

    /// <summary>Reads a run.</summary>
    /// <param name="block">Address of the block.</param>
    /// <param name="run">Index of the run in the block.</param>
    /// <param name="scales">[16], prepared.</param>
    /// <returns>The first 16 columns, and the others; nothing where a run has 16.</returns>
    static abstract (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales);
}
