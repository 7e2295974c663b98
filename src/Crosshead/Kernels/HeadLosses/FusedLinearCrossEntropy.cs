using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>
/// The head and its cross-entropy, mean of −log softmax(hidden·weightᵀ)[target], a chunk of rows at a time (see
/// <see cref="HeadLoss"/>).
/// </summary>
internal sealed class FusedLinearCrossEntropy : IHeadLoss
{
    /// <summary>Targets of this value do not count.</summary>
    public const long IgnoreIndex = -100;

    // More rows leave the CPU's second-level cache, and take too much of a CUDA device's memory.
    private const long CpuChunkElements = 2 << 20, CudaChunkElements = 1 << 29;

    private readonly Tensor _targets;
    private readonly Tensor _losses; // [T]
    private readonly Tensor _share; // of a row in the mean, a float32 scalar
    private readonly long _ignoreIndex;

    private FusedLinearCrossEntropy(Tensor rows, Tensor targets, long ignoreIndex)
    {
        (_targets, _ignoreIndex) = (targets, ignoreIndex);
        ChunkElements = rows.device_type == DeviceType.CUDA ? CudaChunkElements : CpuChunkElements;
        _losses = empty([rows.shape[0]], ScalarType.Float32, rows.device);
        using Scalar ignored = ignoreIndex, one = 1;
        _share = targets.ne(ignored).sum().clamp(min: one).to(ScalarType.Float32).reciprocal();
    }

    /// <summary>Whether <see cref="Apply"/> takes these tensors.</summary>
    /// <param name="hidden">[T, D], float32 or bfloat16.</param>
    /// <param name="weight">[V, D], float32 or of the type of <paramref name="hidden"/>.</param>
    /// <param name="targets">[T], int64.</param>
    public static bool Supports(Tensor hidden, Tensor weight, Tensor targets) =>
        RowKernel.Supports(hidden) && RowKernel.SupportsWeight(weight, hidden)
        && hidden.dim() == 2 && weight.dim() == 2 && hidden.shape[1] == weight.shape[1]
        && targets.device_type == hidden.device_type && targets.dtype == ScalarType.Int64
        && targets.dim() == 1 && targets.shape[0] == hidden.shape[0];

    /// <summary>The mean loss, a float32 scalar.</summary>
    /// <remarks>
    /// Where every target is ignored the loss and its gradients are 0, so that an empty micro-batch adds nothing.
    /// </remarks>
    /// <param name="hidden">[T, D]</param>
    /// <param name="weight">[V, D]; converted to the type of <paramref name="hidden"/> once; its gradient is summed in
    /// float32.</param>
    /// <param name="targets">[T]: 0 … V−1, or <paramref name="ignoreIndex"/>.</param>
    /// <param name="ignoreIndex">Marks targets that do not count.</param>
    /// <param name="leaf">What takes the weight's gradient; null for the weight itself.</param>
    /// <param name="cap">The cap of the logits; null for none.</param>
    /// <exception cref="CrossheadException">A target is outside the vocabulary. On a CUDA device, which is not waited
    /// for, the loss is then not a number.</exception>
    public static Tensor Apply(Tensor hidden, Tensor weight, Tensor targets, long ignoreIndex = IgnoreIndex,
        Tensor? leaf = null, double? cap = null)
    {
        targets = RowKernel.Dense(targets);
        if (targets.device_type == DeviceType.CPU) CheckTargets(targets, weight.shape[0], ignoreIndex);
        return HeadLoss.Apply(hidden, weight, leaf ?? weight,
            rows => new FusedLinearCrossEntropy(rows, targets, ignoreIndex), cap);
    }

    /// <inheritdoc/>
    public long ChunkElements { get; }

    /// <inheritdoc/>
    public void Take(Tensor logits, long start, bool withGradients)
    {
        var (targets, losses) = (_targets.narrow(0, start, logits.shape[0]), _losses.narrow(0, start, logits.shape[0]));
        if (logits.device_type == DeviceType.CUDA)
            CudaCrossEntropy.Run(logits, targets, losses, _ignoreIndex, _share, withGradients);
        else
            RowLosses.Run(new CrossEntropyRow(), logits, targets, losses, _ignoreIndex,
                _share.item<float>(), withGradients);
    }

    /// <inheritdoc/>
    public Tensor Mean() => _losses.sum(ScalarType.Float64) * _share;

    private static unsafe void CheckTargets(Tensor targets, long vocabulary, long ignoreIndex)
    {
        foreach (var target in new ReadOnlySpan<long>((void*)Aten.DataPointer(targets), (int)targets.numel()))
        {
            if (target != ignoreIndex && (ulong)target >= (ulong)vocabulary)
                throw new CrossheadException($"a target is {target}, but the vocabulary has {vocabulary} entries; give "
                    + $"targets of 0 to {vocabulary - 1}, or {ignoreIndex} for those that do not count.");
        }
        GC.KeepAlive(targets);
    }
}
