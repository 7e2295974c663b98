using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// What sequences have left behind while they are being decoded: a cache per layer, and each sequence's length.
/// </summary>
public sealed class DecodeState : ICacheStore, IDisposable
{
    private readonly int[] _lengths;

    internal DecodeState(KeyValueCache[] layers, long slots, int spare) =>
        (Layers, _lengths, Capacity) = (layers, new int[slots], (int)layers[0].Capacity - spare);

    /// <summary>Tokens kept of every sequence, which all have as many.</summary>
    /// <exception cref="InvalidOperationException">The sequences differ in length.</exception>
    public long Length => _lengths.AsSpan().IndexOfAnyExcept(_lengths[0]) < 0 ? _lengths[0]
        : throw new InvalidOperationException("the sequences differ in length; ask for each one's.");

    /// <inheritdoc/>
    public int Slots => _lengths.Length;

    /// <inheritdoc/>
    public int Capacity { get; }

    /// <inheritdoc/>
    public long Bytes => _lengths.Sum(l => (long)l) * Layers.Sum(l => l.BytesPerToken);

    internal KeyValueCache[] Layers { get; }

    /// <inheritdoc/>
    public int LengthOf(int slot) => _lengths[slot];

    /// <inheritdoc/>
    public void Truncate(int slot, int length) => _lengths[slot] = Math.Clamp(length, 0, _lengths[slot]);

    /// <summary>Forgets the tokens of every sequence from <paramref name="length"/> on.</summary>
    public void Truncate(long length)
    {
        for (var slot = 0; slot < Slots; slot++) Truncate(slot, (int)length);
    }

    /// <summary>Counts tokens that were written to a slot.</summary>
    internal void Advance(int slot, int count) => _lengths[slot] += count;

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
        Array.Fill(_lengths, count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
