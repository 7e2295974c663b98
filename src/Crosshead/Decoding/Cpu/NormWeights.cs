using Crosshead.Layers;
using Crosshead.Model;

namespace Crosshead.Decoding.Cpu;

/// <summary>A norm of the residual stream.</summary>
/// <param name="weight">What the elements are multiplied by, one row [D].</param>
/// <param name="epsilon">What is added to the mean square.</param>
/// <param name="centers">Whether the mean is subtracted before.</param>
internal sealed unsafe class NormWeights(Rows weight, double epsilon, bool centers) : IDisposable
{
    /// <summary>Reads a norm.</summary>
    /// <param name="parameters">The parameters that it is among.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="options">The model's shape.</param>
    public static NormWeights Read(ParameterReader parameters, string name, ModelOptions options)
    {
        var offset = (float)options.Block.NormOffset;
        var values = parameters.Values($"{name}.weight");
        for (var i = 0; offset != 0 && i < values.Length; i++) values[i] += offset;
        return new(new Rows(values, options.HiddenSize), options.NormEpsilon, options.Block.Norm == NormKind.Layer);
    }

    /// <summary>Norms a row x [D] into y, which may be the same.</summary>
    public void Apply(float* x, float* y)
    {
        if (centers)
        {
            RowMath.Center(x, weight.Width, y);
            x = y;
        }
        RowMath.RmsNorm(x, weight[0], weight.Width, epsilon, y);
    }

    /// <inheritdoc/>
    public void Dispose() => weight.Dispose();
}
