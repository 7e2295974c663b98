using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>State of sequences during decoding: a cache per layer, and the length of each sequence.</summary>
public sealed class DecodeState : CacheStore, IDisposable
{
    internal DecodeState(KeyValueCache[] layers, int slots, int spare)
        : base(slots, (int)layers[0].Capacity - spare, layers.Sum(l => l.BytesPerToken)) => Layers = layers;

    /// <summary>Number of tokens kept per sequence, if all sequences have the same length.</summary>
    /// <exception cref="InvalidOperationException">The sequences differ in length.</exception>
    public long Length => Enumerable.Range(1, Slots - 1).All(slot => LengthOf(slot) == LengthOf(0)) ? LengthOf(0)
        : throw new InvalidOperationException("the sequences differ in length; ask for each one's.");

    internal KeyValueCache[] Layers { get; }

    /// <summary>Discards the tokens of every sequence from position <paramref name="length"/> on.</summary>
    public void Truncate(long length)
    {
        for (var slot = 0; slot < Slots; slot++) Truncate(slot, (int)length);
    }

    /// <summary>
    /// The caches of <paramref name="count"/> slots from slot <paramref name="first"/> on, one per layer.
    /// </summary>
    internal IReadOnlyList<KeyValueCache> LayersOf(int first, int count) =>
        count == Slots ? Layers : [.. Layers.Select(l => l.Of(first, count))];

    /// <summary>
    /// Fills the cache with random values for N tokens per sequence. The cost of a step does not depend on the values.
    /// </summary>
    internal void Draw(int count)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in Layers) layer.Draw(count);
        KeepAll(count);
    }

    /// <summary>
    /// Sets the number of kept tokens of every slot; tokens after <paramref name="length"/> are discarded.
    /// </summary>
    internal void KeepAll(int length)
    {
        for (var slot = 0; slot < Slots; slot++) Keep(slot, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
