using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention.Composition;

/// <summary>Starting values of mixes. Fine grains can start as a mix of the grain <c>head</c>.</summary>
internal static class MixStarts
{
    /// <summary>Of the grain <c>head</c>: [c, g].</summary>
    public static Action<Tensor, Generator> Of(MixStart start, long components, long groups) => start switch
    {
        MixStart.Identity => Initialization.Identity,
        MixStart.Auto when components == groups => Initialization.Identity,
        MixStart.Grouped => (value, _) => value.copy_(Groups(components, groups)),
        _ => Initialization.Normal(1 / Math.Sqrt(components)),
    };

    /// <summary>
    /// Of the grain <c>frequency</c>: [c, g, d/2, 2]. The factors of a component and head are real and all equal.
    /// </summary>
    public static Action<Tensor, Generator> OfFrequencies(MixStart start, long components, long groups) =>
        start == MixStart.Auto ? Initialization.Normal(1 / Math.Sqrt(2 * components)) : (value, generator) =>
        {
            using var scope = NewDisposeScope();
            var real = Heads(start, components, groups, generator).view(components, groups, 1);
            value.zero_();
            value.select(3, 0).copy_(real.expand(-1, -1, value.shape[2]));
        };

    /// <summary>
    /// Of the grain <c>dense</c>: [r, g, d]. Rows i·d … i·d + d − 1 are a head's mix of component i times the identity.
    /// </summary>
    public static Action<Tensor, Generator> OfMatrices(MixStart start, long rank, long groups, long headDim) =>
        start == MixStart.Auto ? Initialization.Normal(1 / Math.Sqrt(rank)) : (value, generator) =>
        {
            using var scope = NewDisposeScope();
            var components = (rank + headDim - 1) / headDim;
            var heads = Heads(start, components, groups, generator).view(components, 1, groups, 1);
            var identity = eye(headDim, dtype: ScalarType.Float32).view(1, headDim, 1, headDim);
            value.copy_((heads * identity).flatten(0, 1).narrow(0, 0, rank));          // [c·d,g,d] → [r,g,d]
        };

    private static Tensor Heads(MixStart start, long components, long groups, Generator generator)
    {
        var mix = zeros([components, groups], ScalarType.Float32);
        Of(start, components, groups)(mix, generator);
        return mix;
    }

    // Head g is component ⌊g·c/G⌋.
    private static Tensor Groups(long components, long groups)
    {
        var numbers = new float[components * groups];
        for (var head = 0L; head < groups; head++) numbers[(head * components / groups * groups) + head] = 1;
        return tensor(numbers, [components, groups]);
    }
}
