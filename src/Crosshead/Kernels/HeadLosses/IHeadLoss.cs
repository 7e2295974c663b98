using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>A mean loss over rows of logits, which <see cref="HeadLoss"/> makes a chunk at a time.</summary>
internal interface IHeadLoss
{
    /// <summary>
    /// Logits of one chunk: fewer rows read the head and add to its gradient more often, more rows take more memory.
    /// </summary>
    long ChunkElements { get; }

    /// <summary>
    /// Takes the losses of some rows; their gradients of the mean loss take the place of the logits if asked for.
    /// </summary>
    /// <param name="logits">[r, V], dense.</param>
    /// <param name="start">The first of the rows.</param>
    /// <param name="withGradients">Whether to write the gradients.</param>
    void Take(Tensor logits, long start, bool withGradients);

    /// <summary>The mean of the losses taken, a float64 scalar.</summary>
    Tensor Mean();
}
