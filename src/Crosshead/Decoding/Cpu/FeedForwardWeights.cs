using Crosshead.Layers;

namespace Crosshead.Decoding.Cpu;

/// <summary>A SwiGLU layer, or one expert of a mixture.</summary>
/// <param name="Gate">[F, D]</param>
/// <param name="Up">[F, D]</param>
/// <param name="Down">[D, F]</param>
/// <param name="Activation">The function of the gate.</param>
/// <param name="Limit">Where gates and values are cut off, as in gpt-oss; null for none.</param>
internal sealed unsafe record FeedForwardWeights(StackedMatrix Gate, StackedMatrix Up, StackedMatrix Down,
    Activation Activation, float? Limit) : IDisposable
{
    /// <summary>The matrices that a token multiplies.</summary>
    public IEnumerable<StackedMatrix> Matrices => [Gate, Up, Down];

    /// <summary>Reads a layer.</summary>
    /// <param name="parameters">Parameters of the layer.</param>
    /// <param name="reader">Makes matrices.</param>
    /// <param name="activation">The function of the gate.</param>
    /// <param name="limit">Where gates and values are cut off; null for none.</param>
    public static FeedForwardWeights Read(ParameterReader parameters, WeightReader reader,
        Activation activation = Activation.Silu, double? limit = null)
    {
        StackedMatrix Of(string name) =>
            new([reader.Read(parameters[$"{name}.weight"])], parameters.Find($"{name}.bias"));
        return new FeedForwardWeights(Of("gate_proj"), Of("up_proj"), Of("down_proj"), activation,
            (float?)limit);
    }

    /// <summary>gate = activation(gate, up), for some inner numbers, filled up to sixteens.</summary>
    public void Activate(float* gate, float* up, int length)
    {
        if (Limit is { } limit) RowMath.ClampedSwiGlu(gate, up, limit, length);
        else if (Activation == Activation.Silu) RowMath.SwiGlu(gate, up, length);
        else RowMath.GeGlu(gate, up, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var matrix in Matrices) matrix.Dispose();
    }
}
