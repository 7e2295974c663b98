using Crosshead.Model;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Training.Studies;

/// <summary>What a model of a study costs.</summary>
/// <param name="Parameters">Its trainable numbers.</param>
/// <param name="CacheNumbers">Numbers that decoding keeps of each token, over all layers.</param>
public sealed record StudyCost(long Parameters, long CacheNumbers)
{
    /// <summary>Bytes that decoding keeps of each token in bfloat16, over all layers.</summary>
    public long CacheBytes => Precision.BytesOf(ScalarType.BFloat16) * CacheNumbers;

    /// <summary>The cost of a model.</summary>
    public static StudyCost Of(ModelOptions options)
    {
        var cost = ModelCost.Of(options);
        return new(cost.Parameters, cost.CacheElements);
    }
}
