using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Multiplies four neighbouring blocks of 32 columns of a format by one vector.</summary>
internal unsafe interface ISmallQuad
{
    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether the sums are those of codes with a center.</summary>
    static abstract bool IsCentered { get; }

    /// <summary>Whether a block has a minimum.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Multiplies four blocks of four rows.</summary>
    /// <param name="w">The first block of the first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="first">The inputs of the first 16 columns of each block.</param>
    /// <param name="second">Those of the others.</param>
    /// <param name="halves">[4 blocks, 4 rows]: receives minima in half precision above scales, or scales
    /// twice.</param>
    /// <returns>[4 blocks, 4 rows]: sums of codes times inputs.</returns>
    static abstract Vector512<int> Multiply(byte* w, long stride, Vector512<sbyte> first, Vector512<sbyte> second,
        out Vector512<int> halves);
}
