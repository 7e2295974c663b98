using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>
/// Converts a model with head composition to a plain model with the same results. Mixes are merged into the projections
/// (eq. 18).
/// </summary>
public static class PlainExport
{
    /// <summary>
    /// Returns the plain model: whole key and value heads, an architecture that every library knows, and a cache of
    /// full size.
    /// </summary>
    /// <param name="model">The model to convert; this model stays unchanged.</param>
    /// <exception cref="CrossheadException">The model has a norm on the heads' outputs, or its mechanism is neither
    /// grouped-query attention nor head composition.</exception>
    public static LanguageModel Of(LanguageModel model) =>
        CompressedLayer.Replace(model, ShapeOf(model.Options), Enumerable.Range(0, model.Options.Layers)
            .ToDictionary(i => i, _ => ((FittedKeys?)null, (FittedValues?)null)));

    /// <summary>The shape of the plain model.</summary>
    /// <exception cref="CrossheadException">The model cannot be exported; see <see cref="Require"/>.</exception>
    public static ModelOptions ShapeOf(ModelOptions options)
    {
        Require(options);
        return options with
        {
            VirtualHeads = null,
            Attention = options.Attention with
            {
                Variant = AttentionVariant.Gqa,
                KeyComponents = null,
                ValueComponents = null,
                KeyGrain = KeyGrain.Head,
                ValueGrain = ValueGrain.Head,
                ValueRank = null,
                Compose = ComposedParts.Both,
            },
        };
    }

    /// <summary>Checks that a model can be exported.</summary>
    /// <exception cref="CrossheadException">The model has a norm on the heads' outputs, or its mechanism is neither
    /// grouped-query attention nor head composition.</exception>
    public static void Require(ModelOptions options)
    {
        if (Obstacle(options) is { } obstacle) throw new CrossheadException(obstacle + ".");
    }

    /// <summary>Why a model has no plain form, as a sentence without its end; null where it has one.</summary>
    public static string? Obstacle(ModelOptions options)
    {
        var attention = options.Attention;
        if (!attention.HasHeadNorm
            && attention.Variant is (AttentionVariant.Gqa or AttentionVariant.Mea or AttentionVariant.MeaNoNorm))
            return null;
        return $"a model of the variant {attention.Variant.NameOf()}"
            + $"{(attention.HasHeadNorm ? " with a norm on its heads' outputs" : "")} computes what plain "
            + "architectures cannot; only gqa and composed heads without a norm on their outputs have a plain form";
    }
}
