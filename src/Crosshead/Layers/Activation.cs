using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>The function between the two products of a feed-forward layer.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Activation>))]
public enum Activation
{
    /// <summary>x · sigmoid(x); the layer is SwiGLU.</summary>
    [JsonStringEnumMemberName("silu")] Silu,

    /// <summary>GELU, approximated by a hyperbolic tangent, as in Gemma; the layer is GeGLU.</summary>
    [JsonStringEnumMemberName("gelu_tanh")] GeluTanh,
}

/// <summary>The functions.</summary>
internal static class Activations
{
    // x/2 · (1 + tanh(u)) = x · sigmoid(2u), u = √(2/π) · (x + 0.044715 x³)
    private const double Cubic = 0.044715;

    private static readonly double s_slope = 2 * Math.Sqrt(2 / Math.PI);

    /// <summary>The function's value for each element.</summary>
    public static Tensor Of(this Activation activation, Tensor x)
    {
        if (activation == Activation.Silu) return nn.functional.silu(x);
        using Scalar slope = s_slope, cubic = s_slope * Cubic; // named: native code reads them
        return x * (x.mul(slope) + x.pow(3).mul(cubic)).sigmoid();
    }
}
