using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>
/// Operators with a number whose native scalar lives until the call is done. TorchSharp's own operators make a scalar
/// that may be collected while native code still reads it.
/// </summary>
internal static class NumberOperators
{
    /// <summary>x + number.</summary>
    public static Tensor Plus(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.add(held);
    }

    /// <summary>x · number.</summary>
    public static Tensor Times(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.mul(held);
    }

    /// <summary>x / number.</summary>
    public static Tensor Over(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.div(held);
    }

    /// <summary>max(x, number).</summary>
    public static Tensor AtLeast(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.clamp_min(held);
    }
}
