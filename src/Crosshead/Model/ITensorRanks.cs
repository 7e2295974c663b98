using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>
/// One of the ranks that share a model out by heads and inner widths (tensor parallelism, Shoeybi et al., 2019). All
/// ranks compute the same tokens and have the same residual stream, bit for bit. Each calls the same methods in the
/// same order.
/// </summary>
internal interface ITensorRanks
{
    /// <summary>Number of ranks.</summary>
    int Ranks { get; }

    /// <summary>Which of them this is, from 0.</summary>
    int Rank { get; }

    /// <summary>The sum of what all ranks have, in the order of the ranks.</summary>
    /// <param name="part">This rank's own, of the same shape and type on all ranks.</param>
    Tensor Sum(Tensor part);

    /// <summary>
    /// The sum of what all ranks have, added to the residual stream, and its norm; null where no kernel does all that.
    /// </summary>
    /// <param name="residual">The residual stream, […, D].</param>
    /// <param name="part">This rank's own, of the same shape and type.</param>
    /// <param name="norm">The norm.</param>
    (Tensor Sum, Tensor Normed)? SumInto(Tensor residual, Tensor part, RmsNorm norm);

    /// <summary>The rows of all ranks side by side.</summary>
    /// <param name="part">This rank's columns, [n, w].</param>
    /// <returns>[n, ranks · w]</returns>
    Tensor Join(Tensor part);

    /// <summary>Whether all ranks say yes. Waits for all.</summary>
    /// <param name="own">What this rank says.</param>
    bool All(bool own);
}
