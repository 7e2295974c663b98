using Crosshead.Weights;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products of bfloat16 weights with inputs that are rounded to bfloat16, which are exact, added up in float32. Lane j
/// of a product's sixteen sums takes columns 2j + 1 and 2j of every 32, in this order, each product and sum rounded
/// once. That is what the instruction VDPBF16PS does, so processors with it and without it give the same bits. It takes
/// numbers below 2⁻¹²⁶ for zeros; other processors do so with inputs alone. A product does not depend on the rows and
/// vectors that are multiplied beside it, nor on the width of the processor's registers.
/// </summary>
internal abstract unsafe class PairProducts
{
    /// <summary>Columns that are multiplied together.</summary>
    public const int Columns = 32;

    /// <summary>Bytes that a rounded number takes at most.</summary>
    public const int NumberBytes = 4;

    /// <summary>Those that this processor has, the fastest first.</summary>
    public static IReadOnlyList<PairProducts> All { get; } = PairTileCode.IsSupported
        ? [new CodedPairProducts(), new WidenedPairProducts()] : [new WidenedPairProducts()];

    /// <summary>The products of a matrix; null where inputs are not rounded for it.</summary>
    /// <param name="format">Its format.</param>
    /// <param name="columns">Numbers of a row.</param>
    public static PairProducts? Of(WeightFormat format, long columns) =>
        format == WeightFormat.BF16 && columns % Columns == 0 ? All[0] : null;

    /// <summary>Rounds vectors.</summary>
    /// <param name="x">[vectors, stride]</param>
    /// <param name="stride">Elements from vector to vector.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="columns">Numbers of a vector, a multiple of 32.</param>
    /// <param name="pairs">Room for so many numbers; receives them, in an order of its own that depends on how many
    /// they are.</param>
    public abstract void Round(float* x, long stride, int vectors, int columns, byte* pairs);

    /// <summary>Multiplies rows by vectors.</summary>
    /// <param name="weights">The first row.</param>
    /// <param name="weightStride">Bytes from row to row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Columns, a multiple of 32.</param>
    /// <param name="pairs">The vectors, rounded.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="y">[vectors, yStride]; receives the products with the rows side by side.</param>
    /// <param name="yStride">Elements from result to result.</param>
    public abstract void Multiply(byte* weights, long weightStride, int rows, int columns, byte* pairs, int vectors,
        float* y, int yStride);
}
