using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
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
    public static IAttention Create(
        ParameterScope scope, int width, AttentionOptions options, int layer,
        double standardDeviation = 0.02, double residualDeviation = 0.02)
    {
        options.Validate();
        if (options.Latent is { } latent)
            return new LatentAttention(scope, width, options, latent, standardDeviation, residualDeviation);
        var projections = new AttentionProjections(scope, width, options, standardDeviation, residualDeviation);
        var cacheLayout = options.CacheLayoutFor(width);
        return options.Variant switch
        {
            AttentionVariant.Gqa or AttentionVariant.GroupNorm or AttentionVariant.Mea or AttentionVariant.MeaNoNorm =>
                Multihead(scope, projections, cacheLayout, options, standardDeviation),
            AttentionVariant.TalkingHeads => new TalkingHeadsAttention(scope, projections, cacheLayout),
            AttentionVariant.Differential =>
                new DifferentialAttention(scope, projections, cacheLayout, layer, options.HeadNormEpsilon),
            _ => throw Unknown(options.Variant),
        };
    }

    /// <summary>What is known of a variant without a layer of it.</summary>
    internal static AttentionTraits TraitsOf(AttentionVariant variant) => variant switch
    {
        AttentionVariant.Gqa or AttentionVariant.GroupNorm or AttentionVariant.Mea or AttentionVariant.MeaNoNorm =>
            MultiheadAttention.Traits,
        AttentionVariant.TalkingHeads => TalkingHeadsAttention.Traits,
        AttentionVariant.Differential => DifferentialAttention.Traits,
        _ => throw Unknown(variant),
    };

    // These variants differ in the parts that they have. Parameters are created in this order.
    private static MultiheadAttention Multihead(
        ParameterScope scope, AttentionProjections projections, CacheLayout cacheLayout, AttentionOptions options,
        double standardDeviation)
    {
        var (h, g, d) = (options.Heads, options.Groups, projections.HeadDim);
        var headNorm = options.HasHeadNorm
            ? new HeadNorm(scope["head_norm"], h, d, options.HeadNorm, options.HeadNormStart, options.HeadNormEpsilon)
            : null;
        IKeyComposition? keyMix = !options.ComposesKeys ? null
            : options.KeyGrain != KeyGrain.Head ? new FrequencyComposition(scope, options.ProjectedKeyHeads, g, d,
                options.MixStart, options.FrequencyWidth((int)d))
            : new HeadComposition(scope, "k_mix", options.ProjectedKeyHeads, g, d, options.MixStart);
        IValueComposition? valueMix = !options.ComposesValues ? null
            : options.ValueRank is { } rank ? new DenseComposition(scope, rank, g, d, options.MixStart)
            : new HeadComposition(scope, "v_mix", options.ProjectedValueHeads, g, d, options.MixStart);
        var sinks = options.Sinks
            ? scope.Create("sinks", ParameterKind.Bias, Initialization.Normal(standardDeviation), h) : null;
        return new MultiheadAttention(projections, cacheLayout, keyMix, valueMix, headNorm, sinks,
            options.ComponentsCarryNorm((int)d));
    }

    private static CrossheadException Unknown(AttentionVariant variant) =>
        new($"attention variant {variant} is unknown.");
}
