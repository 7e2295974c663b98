using Crosshead.Attention.Caches;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>Where an attention gets its heads from: from projections that train, or from frozen ones.</summary>
internal interface IHeadProjections : IDisposable
{
    /// <summary>
    /// Projects hidden states, norms queries and keys where there are norms, and turns both by their positions.
    /// </summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <returns>Queries [B, N, h, d], keys and values [B, N, rows, width].</returns>
    (Tensor Query, Tensor Key, Tensor Value) Project(Tensor x, TokenView view);

    /// <summary>Projects tokens and adds their keys and values to the cache.</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="cache">What is kept of earlier tokens.</param>
    KeptTokens Append(Tensor x, TokenView view, KeyValueCache cache);
}
