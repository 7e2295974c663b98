using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Norms;

/// <summary>
/// y = x / rms(x) · w over the last dimension, rms(x) = √(mean(x²) + ε), in one pass forward and one pass
/// backward. With x̂ = x/rms(x) and g = ∂y·w: ∂x = (g − x̂·mean(g·x̂)) / rms(x), ∂w = Σ ∂y·x̂.
/// </summary>
internal static class FusedRmsNorm
{
    /// <summary>Whether <see cref="Apply"/> takes these tensors.</summary>
    /// <param name="input">[…, d]</param>
    /// <param name="weight">[d] or [h, d]</param>
    public static bool Supports(Tensor input, Tensor weight) =>
        RowKernel.Supports(input) && RowKernel.SupportsWeight(weight, input) && input.dim() > 0
        && weight.dim() is 1 or 2 && weight.shape[^1] == input.shape[^1]
        && input.numel() / Math.Max(1, input.shape[^1]) % (weight.dim() == 2 ? weight.shape[0] : 1) == 0;

    /// <summary>1/rms(x) alone; without a gradient.</summary>
    /// <param name="input">[…, d]</param>
    /// <param name="weight">[d] or [h, d], of no account.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <returns>[…] in float32.</returns>
    public static Tensor Inverse(Tensor input, Tensor weight, double epsilon)
    {
        RmsNormKernel.Forward(null, input, weight, epsilon, out var inverse);
        return inverse.view(input.shape[..^1]);
    }

    /// <summary>Normalises each row and multiplies it by its weight.</summary>
    /// <param name="input">[…, d]</param>
    /// <param name="weight">[d], or [h, d]: row r uses weight row r mod h.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public static Tensor Apply(Tensor input, Tensor weight, double epsilon)
    {
        if (GradientNode.Needed(input, weight)) input = RowKernel.Dense(input); // what is kept for the way back
        var (_, normed) = RmsNormKernel.Forward(null, input, weight, epsilon, out var inverse);
        if (GradientNode.Needed(input, weight))
        {
            GradientNode.Record([input, weight], [normed], [input, weight, inverse], static (saved, outputs) =>
            {
                if (outputs[0] is not { } gradient) return [null, null];
                var (input, weight) = RmsNormKernel.Backward(saved[0], saved[1], saved[2], null, gradient);
                return [input, weight];
            });
            inverse.Dispose(); // else left to the scope, which may be a captured graph's that writes to it again
        }
        return normed;
    }
}
