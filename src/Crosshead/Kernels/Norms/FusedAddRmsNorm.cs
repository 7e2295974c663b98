using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Norms;

/// <summary>
/// The addition to the residual stream and the RMSNorm that follows it, in one pass forward and one backward.
/// </summary>
internal static class FusedAddRmsNorm
{
    /// <summary>Whether <see cref="Apply"/> takes these tensors.</summary>
    public static bool Supports(Tensor residual, Tensor delta, Tensor weight) =>
        FusedRmsNorm.Supports(residual, weight) && RowKernel.Supports(delta)
        && delta.dtype == residual.dtype && delta.shape.AsSpan().SequenceEqual(residual.shape);

    /// <summary>sum = residual + delta and normed = sum / rms(sum) · weight.</summary>
    /// <param name="residual">[…, d]</param>
    /// <param name="delta">[…, d], of the same type.</param>
    /// <param name="weight">[d], or [h, d]: row r uses weight row r mod h.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public static (Tensor Sum, Tensor Normed) Apply(Tensor residual, Tensor delta, Tensor weight, double epsilon)
    {
        residual = RowKernel.Dense(residual);
        delta = RowKernel.Dense(delta);
        var (sum, normed) = RmsNormKernel.Forward(residual, delta, weight, epsilon, out var inverse);
        if (GradientNode.Needed(residual, delta, weight))
        {
            GradientNode.Record([residual, delta, weight], [sum!, normed], [sum!, weight, inverse],
                static (saved, outputs) =>
            {
                if (outputs[1] is not { } gradient) return [outputs[0], outputs[0], null];
                var (input, weight) = RmsNormKernel.Backward(saved[0], saved[1], saved[2], outputs[0], gradient);
                return [input, input, weight];
            });
            inverse.Dispose(); // else left to the scope, which may be a captured graph's that writes to it again
        }
        return (sum!, normed);
    }
}
