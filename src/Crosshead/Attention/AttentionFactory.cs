using Crosshead.Layers;

namespace Crosshead.Attention;

/// <summary>From options to mechanism.</summary>
public static class AttentionFactory
{
    /// <summary>Creates the mechanism that the options name.</summary>
    /// <param name="scope">Where its parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="options">Its options; validated here.</param>
    /// <param name="layer">Index of the layer, from 0.</param>
    /// <param name="standardDeviation">Of the starting weights.</param>
    /// <param name="residualDeviation">Of the starting weights of the projection into the residual stream.</param>
    /// <exception cref="CrossheadException">The options do not fit each other or the width.</exception>
    public static IAttention Create(ParameterScope scope, int width, AttentionOptions options, int layer, double standardDeviation = 0.02, double residualDeviation = 0.02)
    {
        options.Validate();
        _ = options.HeadDimFor(width);
        return options.Variant switch
        {
            AttentionVariant.Gqa => new GroupedQueryAttention(scope, width, options, standardDeviation, residualDeviation),
            AttentionVariant.GroupNorm => new GroupNormAttention(scope, width, options, standardDeviation, residualDeviation),
            AttentionVariant.Mea or AttentionVariant.MeaNoNorm => new MultiheadExplicitAttention(scope, width, options, standardDeviation, residualDeviation),
            AttentionVariant.TalkingHeads => new TalkingHeadsAttention(scope, width, options, standardDeviation, residualDeviation),
            AttentionVariant.Differential => new DifferentialAttention(scope, width, options, layer, standardDeviation, residualDeviation),
            _ => throw new CrossheadException($"unknown attention variant {options.Variant}."),
        };
    }
}
