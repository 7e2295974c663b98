namespace Crosshead.Decoding.Cpu;

/// <summary>A SwiGLU layer, or one expert of a mixture.</summary>
/// <param name="Gate">[F, D]</param>
/// <param name="Up">[F, D]</param>
/// <param name="Down">[D, F]</param>
internal sealed record FeedForwardWeights(StackedMatrix Gate, StackedMatrix Up, StackedMatrix Down) : IDisposable
{
    /// <summary>The matrices that a token multiplies.</summary>
    public IEnumerable<StackedMatrix> Matrices => [Gate, Up, Down];

    /// <summary>Reads a layer.</summary>
    /// <param name="parameters">Parameters of the layer.</param>
    /// <param name="reader">Makes matrices.</param>
    public static FeedForwardWeights Read(ParameterReader parameters, WeightReader reader)
    {
        StackedMatrix Of(string name) =>
            new([reader.Read(parameters[$"{name}.weight"])], parameters.Find($"{name}.bias"));
        return new FeedForwardWeights(Of("gate_proj"), Of("up_proj"), Of("down_proj"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var matrix in Matrices) matrix.Dispose();
    }
}
