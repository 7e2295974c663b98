using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>The launch of <c>cross_entropy.cu</c>: <see cref="CrossEntropyRow"/> on a CUDA device.</summary>
internal static class CudaCrossEntropy
{
    private const int Threads = 512;

    private static readonly RowSource Source = new("cross_entropy.cu");

    /// <summary>
    /// Writes each row's loss and, if asked for, its gradient · <paramref name="scale"/> over the logits.
    /// </summary>
    /// <param name="logits">[r, V], dense; overwritten if <paramref name="withGradients"/>.</param>
    /// <param name="targets">[r]</param>
    /// <param name="losses">[r], float32; 0 for ignored rows.</param>
    /// <param name="ignoreIndex">Marks rows that do not count.</param>
    /// <param name="scale">Factor of the gradients, a float32 scalar on the device, which is not waited for.</param>
    /// <param name="withGradients">Whether to write the gradients.</param>
    public static void Run(Tensor logits, Tensor targets, Tensor losses, long ignoreIndex, Tensor scale,
        bool withGradients)
    {
        var (rows, vocabulary) = ((int)logits.shape[0], (int)logits.shape[1]);
        if (rows == 0) return;
        Source.Kernel(logits.device_index, "cross_entropy", logits.dtype, RowSource.Lanes(vocabulary, logits))
            .Launch((rows, 1, 1), Threads, 0,
                [Aten.DataPointer(logits), Aten.DataPointer(targets), Aten.DataPointer(losses), vocabulary, ignoreIndex,
                    Aten.DataPointer(scale), withGradients ? 1 : 0]);
        foreach (var tensor in new[] { logits, targets, losses, scale }) GC.KeepAlive(tensor);
    }
}
