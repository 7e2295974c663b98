namespace Crosshead.Decoding.Cpu;

/// <summary>A SwiGLU layer, or one expert of a mixture.</summary>
/// <param name="Gate">[F, D]</param>
/// <param name="Up">[F, D]</param>
/// <param name="Down">[D, F]</param>
internal sealed record FeedForwardWeights(PackedMatrix Gate, PackedMatrix Up, PackedMatrix Down) : IDisposable
{
    /// <summary>The matrices that a token multiplies.</summary>
    public IEnumerable<PackedMatrix> Matrices => [Gate, Up, Down];

    /// <summary>Reads and packs a layer.</summary>
    /// <param name="parameters">Parameters of the layer.</param>
    /// <param name="pack">Packs matrices.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="inner">Inner width F.</param>
    public static FeedForwardWeights Read(ParameterReader parameters, MatrixPacker pack, int width, int inner)
    {
        PackedMatrix Pack(string name, int inputs) =>
            pack(inputs, [parameters[name].Read("weight")], parameters[name].Find("bias"));
        return new FeedForwardWeights(Pack("gate_proj", width), Pack("up_proj", width), Pack("down_proj", inner));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var matrix in Matrices) matrix.Dispose();
    }
}
