using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>What the CPU's kernels keep of past tokens: panels per layer and slot, and each slot's length.</summary>
internal sealed class PanelCache : ICacheStore, IDisposable
{
    private readonly int[] _lengths;
    private readonly long _bytesPerToken;

    /// <summary>Allocates the memory.</summary>
    /// <exception cref="CrossheadException">There is not enough.</exception>
    public PanelCache(CpuWeights weights, AttentionScratch scratch, RotaryTable rotary, int slots, int capacity)
    {
        (_lengths, Capacity, _bytesPerToken) = (new int[slots], capacity, weights.CacheBytesPerToken);
        Layers = [.. Enumerable.Range(0, weights.Layers.Length)
            .Select(i => weights.CachedAttention(i, scratch, rotary, slots, capacity))];
    }

    /// <summary>The attention of each layer with its panels.</summary>
    public IReadOnlyList<CachedAttention> Layers { get; }

    /// <inheritdoc/>
    public int Slots => _lengths.Length;

    /// <inheritdoc/>
    public int Capacity { get; }

    /// <inheritdoc/>
    public long Bytes
    {
        get
        {
            var tokens = 0L;
            foreach (var length in _lengths) tokens += length;
            return tokens * _bytesPerToken;
        }
    }

    /// <inheritdoc/>
    public int LengthOf(int slot) => _lengths[slot];

    /// <inheritdoc/>
    public void Truncate(int slot, int length) => _lengths[slot] = Math.Clamp(length, 0, _lengths[slot]);

    /// <summary>Counts a token that is about to be written; those behind it are forgotten.</summary>
    public void Keep(in DecodeRow row) => _lengths[row.Slot] = row.Position + 1;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
