using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>The logits l become cap · tanh(l / cap).</summary>
internal static class LogitCap
{
    /// <summary>Capped logits; the logits themselves without a cap.</summary>
    public static Tensor Of(Tensor logits, double? cap) =>
        cap is not { } most ? logits : logits.Over(most).tanh().Times(most);

    /// <summary>Caps logits in place.</summary>
    /// <param name="logits">The logits, which take no gradients.</param>
    /// <param name="cap">The cap; null for none.</param>
    /// <param name="withSlopes">Whether the derivatives are wanted.</param>
    /// <returns>The derivatives 1 − tanh²(l / cap); null if they are not wanted, or 1.</returns>
    public static Tensor? Take(Tensor logits, double? cap, bool withSlopes)
    {
        if (cap is not { } number) return null;
        using Scalar most = number, one = 1;
        logits.div_(most).tanh_();
        var slopes = withSlopes ? logits.square().neg_().add_(one) : null;
        logits.mul_(most);
        return slopes;
    }
}
