namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Packs matrices with a given number of inputs one below the other. The bias holds the biases of all outputs; null for
/// none.
/// </summary>
internal delegate PackedMatrix MatrixPacker(int inputs, float[][] parts, float[]? bias = null);

/// <summary>
/// A weight matrix [outputs, inputs] as panels of 16 outputs of any element type, with an optional bias.
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

    /// <summary>Number of rows of the matrix.</summary>
    public int Outputs { get; }

    /// <summary>Number of panels of 16 outputs; the last panel is filled up with zeros.</summary>
    public int Panels { get; }

    /// <summary>Bytes of memory, without the bias.</summary>
    public abstract long Bytes { get; }

    /// <summary>Number of inputs, filled up with zeros to a multiple of <see cref="Panel.DepthStep"/>.</summary>
    protected int Depth { get; }

    /// <summary>The bias, one row [outputs]; null for none.</summary>
    protected Rows? Bias { get; }

    /// <summary>
    /// y[r, o] = Σ_k x[r, k] · W[o, k] + bias[o] for the outputs of panels <paramref name="first"/> …
    /// <paramref name="end"/> − 1.
    /// </summary>
    public abstract void Multiply(int first, int end, float* x, int stride, int rows, float* y, int yStride);

    /// <summary>Reads row <paramref name="output"/> of the matrix.</summary>
    public abstract void ReadRow(int output, Span<float> row);

    /// <inheritdoc/>
    public virtual void Dispose() => Bias?.Dispose();
}
