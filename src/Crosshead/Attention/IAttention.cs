using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>An attention mechanism: a layer from hidden states to hidden states that looks only backwards.</summary>
public interface IAttention : IDisposable
{
    /// <summary>Attends over the given tokens and, with a cache, over those before them.</summary>
    /// <param name="x">Normed hidden states [B, N, D].</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="cache">
    /// What earlier calls left, in the form of <see cref="CacheLayout"/>; the call appends to it. Null to attend within
    /// <paramref name="x"/> alone.
    /// </param>
    /// <returns>[B, N, D], to be added to the residual stream.</returns>
    Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache = null);

    /// <summary>What a cache keeps per token: the mechanism's own choice.</summary>
    CacheLayout CacheLayout { get; }

    /// <summary>
    /// Makes the mechanism that computes the same at inference, with all that is constant there worked out once. It
    /// reads the parameters as they are now, and uses their memory. This one must not be trained any more.
    /// </summary>
    IAttention Freeze();
}
