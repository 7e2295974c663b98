using System.ComponentModel.DataAnnotations;
using Crosshead.Attention.Composition;

namespace Crosshead.Attention;

/// <summary>
/// How a layer's cache is made smaller than its heads: key heads are composed from fewer component heads, value heads
/// from fewer numbers (arXiv 2601.19611, §5.2; the finer grains are ours). Of latent attention fewer numbers of the
/// latent vector are kept.
/// </summary>
public sealed record VirtualHeads
{
    /// <summary>How finely key components are mixed.</summary>
    public KeyGrain KeyGrain { get; init; }

    /// <summary>Key components kept of each token, fewer than the key heads. Null: whole key heads are kept.</summary>
    [Range(1, int.MaxValue)]
    public int? KeyComponents { get; init; }

    /// <summary>How finely value components are mixed.</summary>
    public ValueGrain ValueGrain { get; init; }

    /// <summary>
    /// Value numbers kept of each token, fewer than g · d; a multiple of d for the grain <c>head</c>. Null: whole value
    /// heads are kept.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? ValueRank { get; init; }

    /// <summary>Checks that virtual heads apply to an attention.</summary>
    /// <exception cref="CrossheadException">The mechanism has no components.</exception>
    internal static void RequireComponents(AttentionOptions attention)
    {
        if (!AttentionFactory.TraitsOf(attention.Variant).HasComponents) throw Inapplicable(attention.Variant);
    }

    /// <summary>Says that a variant has no components.</summary>
    internal static CrossheadException Inapplicable(AttentionVariant variant)
    {
        var others = Enum.GetValues<AttentionVariant>()
            .Where(v => AttentionFactory.TraitsOf(v).HasComponents).Select(v => v.NameOf()).ToArray();
        return new($"virtual heads do not apply to {variant.NameOf()}; "
            + $"they do to {string.Join(", ", others[..^1])} and {others[^1]}.");
    }

    /// <summary>Options of the layer whose plain form has the options <paramref name="plain"/>.</summary>
    /// <param name="plain">
    /// The layer before its cache is made smaller. Its own mixes, if any, are merged into the components.
    /// </param>
    /// <param name="headDim">Head width d.</param>
    /// <exception cref="CrossheadException">
    /// The mechanism has no components, or the rank must be a multiple of d and is not.
    /// </exception>
    public AttentionOptions ApplyTo(AttentionOptions plain, int headDim)
    {
        if (KeyComponents is null && ValueRank is null) return plain;
        RequireComponents(plain);
        if (plain.Latent is { } latent)
            return KeyComponents is null && ValueGrain == ValueGrain.Dense
                ? plain with { Latent = latent with { Components = ValueRank } }
                : throw new CrossheadException("the cache of latent attention has no heads to compose; of its latent "
                    + "vector a valueRank with the grain dense is kept.");
        if (ValueGrain == ValueGrain.Head && ValueRank % headDim is > 0)
            throw new CrossheadException($"valueRank ({ValueRank}) must be a multiple of the head width ({headDim}) "
                + $"for the grain head; use {ValueRank / headDim * headDim}, or the grain dense.");
        return plain with
        {
            Variant = plain.HasHeadNorm ? AttentionVariant.Mea : AttentionVariant.MeaNoNorm,
            Compose = ValueRank is null ? ComposedParts.Keys : KeyComponents is null ? ComposedParts.Values
                : ComposedParts.Both,
            KeyGrain = KeyComponents is null ? KeyGrain.Head : KeyGrain,
            KeyComponents = KeyComponents,
            ValueGrain = ValueRank is null ? ValueGrain.Head : ValueGrain,
            ValueComponents = ValueGrain == ValueGrain.Head ? ValueRank / headDim : null,
            ValueRank = ValueGrain == ValueGrain.Dense ? ValueRank : null,
        };
    }
}
