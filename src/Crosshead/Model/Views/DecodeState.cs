using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// What sequences have left behind while they are being decoded: a cache per layer, and each sequence's length.
/// </summary>
public sealed class DecodeState : CacheStore, IDisposable
{
    internal DecodeState(KeyValueCache[] layers, int slots, int spare)
        : base(slots, (int)layers[0].Capacity - spare, layers.Sum(l => l.BytesPerToken)) => Layers = layers;

    /// <summary>Tokens kept of every sequence, which all have as many.</summary>
    /// <exception cref="InvalidOperationException">The sequences differ in length.</exception>
    public long Length => Enumerable.Range(1, Slots - 1).All(slot => LengthOf(slot) == LengthOf(0)) ? LengthOf(0)
        : throw new InvalidOperationException("the sequences differ in length; ask for each one's.");

    internal KeyValueCache[] Layers { get; }

    /// <summary>Forgets the tokens of every sequence from <paramref name="length"/> on.</summary>
    public void Truncate(long length)
    {
        for (var slot = 0; slot < Slots; slot++) Truncate(slot, (int)length);
    }

    /// <summary>
    /// The caches of the first <paramref name="count"/> slots from <paramref name="first"/> on, layer by layer.
    /// </summary>
    internal IReadOnlyList<KeyValueCache> LayersOf(int first, int count) =>
        count == Slots ? Layers : [.. Layers.Select(l => l.Of(first, count))];

    /// <summary>
    /// Draws N tokens of every sequence at random instead of computing them: what a step costs does not depend on them.
    /// </summary>
    internal void Draw(int count)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in Layers) layer.Draw(count);
        KeepAll(count);
    }

    /// <summary>Counts tokens that were written to every slot up to <paramref name="length"/>.</summary>
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
