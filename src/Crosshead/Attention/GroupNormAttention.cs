using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>The baseline with <see cref="HeadNorm"/> on every head's output.</summary>
public class GroupNormAttention : GroupedQueryAttention
{
    private readonly HeadNorm? _headNorm;

    /// <summary>Creates the projections and, unless the options say none, <c>head_norm.weight</c>.</summary>
    public GroupNormAttention(ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation)
        : base(scope, width, options, standardDeviation, residualDeviation)
    {
        if (options.HasHeadNorm)
            _headNorm = new HeadNorm(scope["head_norm"], options.Heads, Projections.HeadDim, options.HeadNorm, options.HeadNormStart, options.HeadNormEpsilon);
    }

    /// <summary>Weight of the norm on the heads' outputs, [d] or [h, d]; null where there is no norm.</summary>
    internal Parameter? HeadNormWeight => _headNorm?.Weight;

    /// <inheritdoc/>
    protected override Tensor Normalize(Tensor heads) => _headNorm is null ? heads : _headNorm.Forward(heads);
}
