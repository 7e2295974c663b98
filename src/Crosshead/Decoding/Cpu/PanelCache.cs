using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>What the CPU's kernels keep of past tokens: panels per layer and slot.</summary>
internal sealed class PanelCache : CacheStore, IDisposable
{
    /// <summary>Allocates the memory.</summary>
    /// <exception cref="CrossheadException">There is not enough.</exception>
    public PanelCache(CpuWeights weights, AttentionScratch scratch, RotaryTable rotary, int slots, int capacity)
        : base(slots, capacity, weights.CacheBytesPerToken) =>
        Layers = [.. Enumerable.Range(0, weights.Layers.Length)
            .Select(i => weights.CachedAttention(i, scratch, rotary, slots, capacity))];

    /// <summary>The attention of each layer with its panels.</summary>
    public IReadOnlyList<CachedAttention> Layers { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
