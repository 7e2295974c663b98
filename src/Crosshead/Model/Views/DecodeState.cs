using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>What a batch of sequences has left behind while it is being decoded: a cache a layer, and where sequences begin.</summary>
public sealed class DecodeState : IDisposable
{
    internal DecodeState(KeyValueCache[] layers, IReadOnlyList<long>? padding, Device device)
    {
        (Layers, Padding) = (layers, padding);
        if (padding is not null) Pads = tensor(padding.ToArray(), [padding.Count, 1], ScalarType.Int64, device).DetachFromDisposeScope();
    }

    /// <summary>Tokens kept so far, padding included.</summary>
    public long Length => Layers[0].Length;

    /// <summary>Most tokens.</summary>
    public long Capacity => Layers[0].Capacity;

    /// <summary>Bytes of the kept tokens in all layers.</summary>
    public long Bytes => Layers.Sum(l => l.Bytes);

    /// <summary>Padding tokens before each sequence's first; null where no sequence is padded.</summary>
    internal IReadOnlyList<long>? Padding { get; }

    /// <summary><see cref="Padding"/> on the device, [B, 1] (int64).</summary>
    internal Tensor? Pads { get; }

    internal KeyValueCache[] Layers { get; }

    /// <summary>Counts tokens that were written at positions the device alone knew.</summary>
    internal void Advance(long count)
    {
        foreach (var layer in Layers) layer.Advance(count);
    }

    /// <summary>Draws N tokens at random instead of computing them: what a step costs does not depend on them.</summary>
    internal void Draw(long count)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in Layers) layer.Draw(count);
    }

    /// <summary>Forgets the tokens from <paramref name="length"/> on.</summary>
    public void Truncate(long length)
    {
        foreach (var layer in Layers) layer.Truncate(length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
        Pads?.Dispose();
    }
}
