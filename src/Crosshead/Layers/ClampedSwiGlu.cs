using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// The gated activation of gpt-oss: (u + 1) · g · σ(1.702 · g), with g the gate, at most the limit, and u the up
/// projection, cut off at both ends.
/// </summary>
internal static class ClampedSwiGlu
{
    /// <summary>Slope of the sigmoid.</summary>
    public const float Slope = 1.702f;

    /// <summary>The activation of each element.</summary>
    /// <param name="gate">The gate projection.</param>
    /// <param name="up">The up projection, of the same shape.</param>
    /// <param name="limit">Largest gate and largest magnitude of an up projection.</param>
    public static Tensor Apply(Tensor gate, Tensor up, double limit)
    {
        // named, so that they are not collected while native code reads them
        using TorchSharp.Scalar most = limit, least = -limit, slope = Slope, one = 1;
        var cut = gate.clamp_max(most);
        return up.clamp(least, most).add(one) * cut * cut.mul(slope).sigmoid();
    }
}
