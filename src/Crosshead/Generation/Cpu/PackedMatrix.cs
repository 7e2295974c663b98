namespace Crosshead.Generation.Cpu;

/// <summary>A weight matrix [outputs, inputs] as panels of 16 outputs, whatever the element type.</summary>
internal abstract unsafe class PackedMatrix : IDisposable
{
    private protected PackedMatrix(int outputs, int inputs)
    {
        Outputs = outputs;
        Depth = Panel.RoundDepth(inputs);
        Panels = Panel.Count(outputs);
    }

    /// <summary>Rows of the matrix.</summary>
    public int Outputs { get; }

    /// <summary>Panels of 16 outputs; the last one is filled up with zeros.</summary>
    public int Panels { get; }

    /// <summary>Bytes of memory.</summary>
    public abstract long Bytes { get; }

    /// <summary>Inputs, filled up with zeros.</summary>
    protected int Depth { get; }

    /// <summary>y[r, o] = Σ_k x[r, k] · W[o, k] for the outputs of panels <paramref name="first"/> … <paramref name="end"/> − 1.</summary>
    public abstract void Multiply(int first, int end, float* x, int stride, int rows, float* y, int yStride);

    /// <summary>Row <paramref name="output"/> of the matrix.</summary>
    public abstract void ReadRow(int output, Span<float> row);

    /// <inheritdoc/>
    public abstract void Dispose();
}
