using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Reads the numbers of a format as registers of float32, exactly as <see cref="Weights.WeightFormat.Read"/> defines
/// them. A run is as many columns as a format reads at once.
/// </summary>
internal unsafe interface IWeightRun
{
    /// <summary>Columns of a run: 16, or 32 where a scale belongs to 32 columns.</summary>
    static abstract int Columns { get; }

    /// <summary>Bytes that a run takes on average, for prefetching.</summary>
    static abstract int Bytes { get; }

    /// <summary>Reads a run of a row.</summary>
    /// <param name="row">Address of the row.</param>
    /// <param name="run">Index of the run.</param>
    /// <returns>The first 16 columns, and the others; nothing where a run has 16.</returns>
    static abstract (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run);
}
