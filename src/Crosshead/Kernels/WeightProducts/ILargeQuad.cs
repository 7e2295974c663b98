using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Multiplies halves of blocks of 256 columns of a format by one vector.</summary>
internal unsafe interface ILargeQuad
{
    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>As <see cref="ICodeBlock.Groups"/>.</summary>
    static abstract int Groups { get; }

    /// <summary>As <see cref="ICodeBlock.Prepare"/>.</summary>
    static abstract void Prepare(byte* w, long stride, float* scales);

    /// <summary>The inputs of four runs, as <see cref="Multiply"/> takes them.</summary>
    static abstract (Vector512<sbyte> First, Vector512<sbyte> Second) Inputs(byte* records);

    /// <summary>Multiplies half a block of four rows.</summary>
    /// <param name="w">The block in the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="half">0 or 1.</param>
    /// <param name="first">The inputs.</param>
    /// <param name="second">More inputs.</param>
    /// <param name="more">[4 groups, 4 rows]: the sums of the last two runs where a run has two groups.</param>
    /// <returns>[4 runs or groups, 4 rows]: sums of codes times inputs.</returns>
    static abstract Vector512<int> Multiply(byte* w, long stride, int half, Vector512<sbyte> first,
        Vector512<sbyte> second, out Vector512<int> more);
}
