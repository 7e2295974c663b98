using Crosshead.Kernels.Norms;
using Crosshead.Layers;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// An RMSNorm of each head's output ("GroupNorm" in arXiv 2601.19611, eq. 12). The starting value of its weight
/// matters: a head's output is an average of values and small at first; with weight 1 the norm blows it up to unit
/// size.
/// </summary>
public sealed class HeadNorm
{
    private readonly double _epsilon;

    /// <summary>Creates <c>weight</c> [width], or [heads, width] for one weight per head.</summary>
    public HeadNorm(ParameterScope scope, long heads, long width, HeadNormKind kind, double start, double epsilon)
    {
        _epsilon = epsilon;
        long[] shape = kind == HeadNormKind.PerHead ? [heads, width] : [width];
        Weight = scope.Create("weight", ParameterKind.Norm, Initialization.Constant(start), shape);
    }

    /// <summary>The weight [width], or [heads, width].</summary>
    public Parameter Weight { get; }

    /// <summary>[B, N, heads, width] → [B, N, heads, width].</summary>
    public Tensor Forward(Tensor heads)
    {
        if (FusedRmsNorm.Supports(heads, Weight.Value)) return FusedRmsNorm.Apply(heads, Weight.Value, _epsilon);
        var weight = Weight.In(heads.dtype);
        return weight.dim() == 1
            ? Aten.RmsNorm(heads, weight, _epsilon)
            : Aten.RmsNorm(heads, null, _epsilon) * weight;
    }
}
