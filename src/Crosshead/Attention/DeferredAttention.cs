using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// A mechanism whose weights no longer change, and which is frozen when it first computes. A decoder that reads the
/// weights where they lie never asks it to, and then no tensor is made of them.
/// </summary>
/// <param name="layer">The mechanism; owned from now on.</param>
internal sealed class DeferredAttention(IAttention layer) : IAttention
{
    private readonly Lock _freezing = new();
    private IAttention? _frozen;

    /// <summary>The mechanism as it was trained.</summary>
    public IAttention Layer => layer;

    /// <inheritdoc/>
    public CacheLayout CacheLayout => layer.CacheLayout;

    private IAttention Frozen
    {
        get
        {
            if (_frozen is not null) return _frozen;
            lock (_freezing) return _frozen ??= layer.Freeze();
        }
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache = null) =>
        Frozen.Forward(x, view, cache);

    /// <inheritdoc/>
    public IAttention Freeze() => layer.Freeze();

    /// <inheritdoc/>
    public void Dispose()
    {
        _frozen?.Dispose();
        layer.Dispose();
    }
}
