using Crosshead.Attention;

namespace Crosshead.Model;

/// <summary>What a batch of sequences has left behind while it is being decoded: a cache a layer, and where sequences begin.</summary>
public sealed class DecodeState : IDisposable
{
    internal DecodeState(KeyValueCache[] layers, IReadOnlyList<long>? padding) => (Layers, Padding) = (layers, padding);

    /// <summary>Tokens kept so far, padding included.</summary>
    public long Length => Layers[0].Length;

    /// <summary>Most tokens.</summary>
    public long Capacity => Layers[0].Capacity;

    /// <summary>Bytes of the kept tokens in all layers.</summary>
    public long Bytes => Layers.Sum(l => l.Bytes);

    /// <summary>Padding tokens before each sequence's first; null where no sequence is padded.</summary>
    internal IReadOnlyList<long>? Padding { get; }

    internal KeyValueCache[] Layers { get; }

    /// <summary>Forgets the tokens from <paramref name="length"/> on.</summary>
    public void Truncate(long length)
    {
        foreach (var layer in Layers) layer.Truncate(length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
    }
}
