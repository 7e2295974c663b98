using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// What sequences have left behind while they are decoded, in pages: one pool per layer.
/// </summary>
internal sealed class PagedState : PageStore, IDisposable
{
    /// <summary>Takes the memory.</summary>
    /// <param name="layouts">What each layer keeps per token.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="capacity">Most tokens per slot.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="type">Precision.</param>
    /// <param name="device">Device.</param>
    /// <param name="format">How numbers are kept.</param>
    public PagedState(IReadOnlyList<CacheLayout> layouts, int slots, int capacity, int pages, ScalarType type,
        Device device, CacheFormat format)
        : base(slots, capacity, pages, layouts.Sum(format.BytesPerToken))
    {
        // one more page, for rows that nobody reads
        Layers = [.. layouts.Select(l => new KeyValueCache(l, pages + 1, PageTokens, type, device, format))];
    }

    /// <summary>The pages of each layer, one sequence per page.</summary>
    public IReadOnlyList<KeyValueCache> Layers { get; }

    /// <summary>A page that no slot has: rows that nobody reads are written there.</summary>
    public int SparePage => Pages;

    /// <inheritdoc/>
    public override void Clear(ReadOnlySpan<int> pages)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var index = tensor(pages.ToArray(), ScalarType.Int64, Layers[0].Whole.Keys.device);
        foreach (var layer in Layers) layer.Clear(index);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
