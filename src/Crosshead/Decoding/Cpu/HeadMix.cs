using Crosshead.Attention;
using Crosshead.Attention.Composition;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The mix of key or value heads that are composed while cached components are read: head g = Σ_c mix[g, c] ·
/// component c. That is cheaper than multiplying whole rows by every query head if several query heads share a head.
/// </summary>
internal sealed unsafe class HeadMix : IDisposable
{
    private readonly Rows _mix; // [g, c]

    /// <summary>Takes a mix.</summary>
    /// <param name="mix">The factors [c, g].</param>
    /// <param name="groups">Composed heads g.</param>
    public HeadMix(ReadOnlySpan<float> mix, int groups)
    {
        (Groups, Components) = (groups, mix.Length / groups);
        _mix = new Rows(Groups, Components);
        for (var i = 0; i < mix.Length; i++) _mix[i % Groups][i / Groups] = mix[i];
    }

    /// <summary>Composed heads g.</summary>
    public int Groups { get; }

    /// <summary>Components c.</summary>
    public int Components { get; }

    /// <summary>The factors [c] of a head.</summary>
    public float* this[int group] => _mix[group];

    /// <summary>
    /// The mix of a layer's heads; null if a head is not a sum of whole components, or if it is cheaper not to compose
    /// them. That is the same for every token, so that a sequence's sums do not depend on what is computed beside it.
    /// </summary>
    /// <param name="composition">How heads are composed; null for heads that are whole.</param>
    /// <param name="layout">The heads.</param>
    public static HeadMix? Of(object? composition, HeadLayout layout) =>
        composition is HeadComposition heads
            && CachedProducts.AreComposed(layout.Heads, layout.Groups, (int)heads.Components, layout.HeadDim)
            ? new(WeightReader.Values(heads.Mix), layout.Groups) : null;

    /// <inheritdoc/>
    public void Dispose() => _mix.Dispose();
}
