namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Packs matrices with so many inputs one below the other, and with them the biases of all their outputs, or none.
/// </summary>
internal delegate PackedMatrix MatrixPacker(int inputs, float[][] parts, float[]? bias = null);

/// <summary>
/// A weight matrix [outputs, inputs] as panels of 16 outputs, whatever the element type, and its bias if it has one.
/// </summary>
internal abstract unsafe class PackedMatrix : IDisposable
{
    private protected PackedMatrix(int outputs, int inputs, float[]? bias)
    {
        Outputs = outputs;
        Depth = Panel.RoundDepth(inputs);
        Panels = Panel.Count(outputs);
        Bias = bias is null ? null : new Rows(bias, outputs);
    }

    /// <summary>Rows of the matrix.</summary>
    public int Outputs { get; }

    /// <summary>Panels of 16 outputs; the last one is filled up with zeros.</summary>
    public int Panels { get; }

    /// <summary>Bytes of memory, without the bias.</summary>
    public abstract long Bytes { get; }

    /// <summary>Inputs, filled up with zeros.</summary>
    protected int Depth { get; }

    /// <summary>One row [outputs]; null for none.</summary>
    protected Rows? Bias { get; }

    /// <summary>
    /// y[r, o] = Σ_k x[r, k] · W[o, k] + bias[o] for the outputs of panels <paramref name="first"/> …
    /// <paramref name="end"/> − 1.
    /// </summary>
    public abstract void Multiply(int first, int end, float* x, int stride, int rows, float* y, int yStride);

    /// <summary>Row <paramref name="output"/> of the matrix.</summary>
    public abstract void ReadRow(int output, Span<float> row);

    /// <inheritdoc/>
    public virtual void Dispose() => Bias?.Dispose();
}
