using Crosshead.Weights;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products of weights with vectors, y = x Wᵀ, from the weights as they lie in memory. A product of a row with a vector
/// is sixteen sums over the columns, lane by lane, which are added up at the end in one order. So it does not depend on
/// the rows and vectors that are multiplied beside it, nor on the width of the processor's registers.
/// </summary>
internal abstract unsafe class RowProducts
{
    /// <summary>Lanes of a product. Vectors and dense rows are filled up with zeros to a multiple of it.</summary>
    public const int Lanes = 16;

    private static readonly Dictionary<WeightFormat, RowProducts> s_kernels = Kernels();

    /// <summary>The products of a format.</summary>
    public static RowProducts Of(WeightFormat format) => s_kernels[format];

    /// <summary>Multiplies rows by vectors.</summary>
    /// <param name="weights">The first row.</param>
    /// <param name="weightStride">Bytes from row to row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Columns, filled up to a multiple of 16, or whole blocks.</param>
    /// <param name="x">[vectors, stride]</param>
    /// <param name="stride">Elements from vector to vector.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="y">[vectors, yStride]; receives the products with the rows side by side.</param>
    /// <param name="yStride">Elements from result to result.</param>
    public abstract void Multiply(byte* weights, long weightStride, int rows, int columns, float* x, int stride,
        int vectors, float* y, int yStride);

    private static Dictionary<WeightFormat, RowProducts> Kernels()
    {
        Halves.Prepare(); // so that kernels are compiled with its address
        return new()
        {
            [WeightFormat.F32] = new RowProducts<SingleBlock>(),
            [WeightFormat.F16] = new RowProducts<HalfBlock>(),
            [WeightFormat.BF16] = new RowProducts<BrainBlock>(),
            [WeightFormat.Q8Zero] = new RowProducts<Q8ZeroBlock>(),
            [WeightFormat.Q4Zero] = new RowProducts<Q4ZeroBlock>(),
            [WeightFormat.Q4One] = new RowProducts<Q4OneBlock>(),
            [WeightFormat.Q5Zero] = new RowProducts<Q5ZeroBlock>(),
            [WeightFormat.Q5One] = new RowProducts<Q5OneBlock>(),
            [WeightFormat.Q4K] = new RowProducts<Q4KBlock>(),
            [WeightFormat.Q5K] = new RowProducts<Q5KBlock>(),
            [WeightFormat.Q6K] = new RowProducts<Q6KBlock>(),
            [WeightFormat.Mxfp4] = new RowProducts<Mxfp4Block>(),
            [WeightFormat.Q4Point] = new RowProducts<Q4PointBlock>(),
            [WeightFormat.F8] = new RowProducts<F8Block>(),
        };
    }
}
