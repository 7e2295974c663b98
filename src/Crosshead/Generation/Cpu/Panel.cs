using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Generation.Cpu;

/// <summary>Sizes of panels, and the product with any number of vectors.</summary>
internal static unsafe class Panel
{
    /// <summary>Columns of a panel.</summary>
    public const int Lanes = 16;

    /// <summary>Depths are multiples of this; what lies beyond the true depth is multiplied by zeros.</summary>
    public const int DepthStep = 4;

    /// <summary>The next multiple of 16.</summary>
    public static int Round(int size) => (size + Lanes - 1) / Lanes * Lanes;

    /// <summary>The next multiple of <see cref="DepthStep"/>.</summary>
    public static int RoundDepth(int depth) => (depth + DepthStep - 1) / DepthStep * DepthStep;

    /// <summary>Number of panels for so many columns.</summary>
    public static int Count(int columns) => (columns + Lanes - 1) / Lanes;

    /// <summary>Products of one panel with <paramref name="rows"/> vectors, 16 results each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<T>(T* panel, int depth, float* x, int stride, int rows, float* y, int yStride) where T : unmanaged, IPanelElement<T>
    {
        for (; rows >= 4; rows -= 4, x += 4 * stride, y += 4 * yStride) T.Multiply4(panel, depth, x, stride, y, yStride);
        for (; rows > 0; rows--, x += stride, y += yStride) T.Multiply(panel, depth, x).Store(y);
    }
}
