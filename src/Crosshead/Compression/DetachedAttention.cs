using Crosshead.Attention;
using Crosshead.Layers;

namespace Crosshead.Compression;

/// <summary>An attention layer outside a model, with its own parameters.</summary>
internal sealed record DetachedAttention(IAttention Attention, IReadOnlyList<Parameter> Parameters) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Attention.Dispose();
        foreach (var parameter in Parameters) parameter.Dispose();
    }
}
