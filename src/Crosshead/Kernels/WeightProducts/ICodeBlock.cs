using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Reads a format whose numbers are scale · (code − center) or scale · code + minimum, with small unsigned codes, as
/// tiles of sixteen rows. A block has runs of 32 columns.
/// </summary>
internal unsafe interface ICodeBlock
{
    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Runs of a block.</summary>
    static abstract int Runs { get; }

    /// <summary>Bits of a code: 4, 5, 6 or 8.</summary>
    static abstract int Bits { get; }

    /// <summary>Groups of columns in a run that have a scale each, 1 or 2.</summary>
    static abstract int Groups { get; }

    /// <summary>The code of zero; 0 where each run has a minimum instead.</summary>
    static abstract int Center { get; }

    /// <summary>Computes the scales and minima of a block of sixteen rows.</summary>
    /// <param name="w">Address of the block in the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="scales">[runs, groups, 16]; receives the scales of the rows, followed by the minima [runs, 16] if
    /// there are any.</param>
    static abstract void Prepare(byte* w, long stride, float* scales);

    /// <summary>Reads the codes of a run in four rows.</summary>
    /// <param name="w">Address of the block in the first of the rows.</param>
    /// <param name="far">Bytes from each of the rows to the next.</param>
    /// <param name="run">Index of the run in the block.</param>
    /// <returns>The first 16 codes of each row, and the others.</returns>
    static abstract (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run);
}
