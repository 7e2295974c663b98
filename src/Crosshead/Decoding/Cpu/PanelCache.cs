using Crosshead.Attention.Caches;
using Crosshead.Layers;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The tokens that the CPU's kernels keep: pages of panels, layer by layer.
/// </summary>
internal sealed class PanelCache : PageStore, IDisposable
{
    /// <summary>Allocates the memory.</summary>
    /// <param name="weights">The model.</param>
    /// <param name="format">How numbers are kept.</param>
    /// <param name="scratch">Working memory of attention.</param>
    /// <param name="rotary">Angles of positions, by <see cref="RotaryKind"/>.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="capacity">Most tokens per slot.</param>
    /// <param name="pages">Number of pages that slots are given by <see cref="PageStore.Place"/>; null gives each slot
    /// pages of its own for all its tokens.</param>
    /// <exception cref="CrossheadException">There is not enough.</exception>
    public PanelCache(CpuWeights weights, CacheFormat format, AttentionScratch scratch,
        IReadOnlyList<RotaryTable?> rotary, int slots, int capacity, int? pages = null)
        : base(slots, capacity, pages, weights.CacheBytesPerToken(format))
    {
        Layers = [.. Enumerable.Range(0, weights.Layers.Length)
            .Select(i => weights.CachedAttention(i, format, scratch, rotary, Pages, Tables))];
    }

    /// <summary>The attention of each layer with its pages.</summary>
    public IReadOnlyList<CachedAttention> Layers { get; }

    /// <inheritdoc/>
    public override void Clear(ReadOnlySpan<int> pages)
    {
        foreach (var page in pages)
            foreach (var layer in Layers) layer.ClearPage(page);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
