namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Products of rows with one vector, for processors with AVX-512. Four runs of a row are multiplied as they lie in
/// memory, in the four quarters of a register. Only the sums are put in the order of rows, which are four times fewer
/// than the codes. A product has the bits that <see cref="CodeProducts{T}"/> gives it.
/// </summary>
internal abstract unsafe class QuadProducts
{
    /// <summary>Columns of four runs.</summary>
    public const int Columns = 4 * InputCodes.Columns;

    /// <summary>Multiplies rows.</summary>
    /// <param name="w">The first row.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Columns, a multiple of <see cref="Columns"/> and whole blocks.</param>
    /// <param name="records">[columns / 32]: the vector, rounded.</param>
    /// <param name="y">[rows]; receives the products.</param>
    public abstract void Multiply(byte* w, long stride, int rows, int columns, byte* records, float* y);
}
