using Crosshead.Weights;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products of quantised weights with inputs that are rounded to 8 bits (<see cref="InputCodes"/>): products of
/// integers, which are exact, added up in float32 run by run. A product does not depend on the rows and vectors that
/// are multiplied beside it, nor on the width of the processor's registers.
/// </summary>
internal abstract unsafe class CodeProducts
{
    private static readonly Dictionary<WeightFormat, CodeProducts> s_kernels = new()
    {
        [WeightFormat.Q8Zero] = new CodeProducts<Q8ZeroCodes>(new SmallQuadProducts<Q8ZeroQuads>()),
        [WeightFormat.Q4Zero] = new CodeProducts<Q4ZeroCodes>(new SmallQuadProducts<Q4ZeroQuads>()),
        [WeightFormat.Q4One] = new CodeProducts<Q4OneCodes>(new SmallQuadProducts<Q4OneQuads>()),
        [WeightFormat.Q5Zero] = new CodeProducts<Q5ZeroCodes>(),
        [WeightFormat.Q5One] = new CodeProducts<Q5OneCodes>(),
        [WeightFormat.Q4K] = new CodeProducts<Q4KCodes>(new LargeQuadProducts<Q4KQuads>()),
        [WeightFormat.Q5K] = new CodeProducts<Q5KCodes>(new LargeQuadProducts<Q5KQuads>()),
        [WeightFormat.Q6K] = new CodeProducts<Q6KCodes>(new LargeQuadProducts<Q6KQuads>()),
        [WeightFormat.Mxfp4] = new CodeProducts<Mxfp4Codes>(),
        [WeightFormat.Q4Point] = new CodeProducts<Q4PointCodes>(),
    };

    /// <summary>The products of a format; null where its numbers are not integers times a scale.</summary>
    public static CodeProducts? Of(WeightFormat format) => s_kernels.GetValueOrDefault(format);

    /// <summary>The center that the vectors are to be rounded for.</summary>
    public abstract int Center { get; }

    /// <summary>Multiplies rows by vectors.</summary>
    /// <param name="weights">The first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Columns, whole blocks.</param>
    /// <param name="records">[columns / 32, vectors]: the vectors, rounded.</param>
    /// <param name="vectors">Number of vectors.</param>
    /// <param name="y">[vectors, yStride]; receives the products with the rows side by side.</param>
    /// <param name="yStride">Elements from result to result.</param>
    public abstract void Multiply(byte* weights, long stride, int rows, int columns, byte* records, int vectors,
        float* y, int yStride);
}
