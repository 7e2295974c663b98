using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>
/// The head and its loss, mean of −log softmax(hidden·weightᵀ)[target], without ever holding all logits:
/// a chunk of rows at a time, its gradients computed while its logits are there and scaled in the backward pass.
/// </summary>
internal static class FusedLinearCrossEntropy
{
    /// <summary>Targets of this value do not count.</summary>
    public const long IgnoreIndex = -100;

    // Logits of one chunk. Fewer rows read the weight and add to its gradient more often; more rows leave the CPU's
    // second-level cache, and take too much of a CUDA device's memory.
    private const long CpuChunkElements = 2 << 20, CudaChunkElements = 1 << 30;
    private const long FewestRows = 64;

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
    /// <remarks>Where every target is ignored the loss and its gradients are 0, so that an empty micro-batch adds nothing.</remarks>
    /// <param name="hidden">[T, D]</param>
    /// <param name="weight">[V, D]; converted to the type of <paramref name="hidden"/> once; its gradient is summed in float32.</param>
    /// <param name="targets">[T]: 0 … V−1, or <paramref name="ignoreIndex"/>.</param>
    /// <param name="ignoreIndex">Marks targets that do not count.</param>
    /// <exception cref="CrossheadException">A target is outside the vocabulary. On a CUDA device, which is not waited for, the loss is then not a number.</exception>
    public static Tensor Apply(Tensor hidden, Tensor weight, Tensor targets, long ignoreIndex = IgnoreIndex)
    {
        hidden = RowKernel.Dense(hidden);
        targets = RowKernel.Dense(targets);
        if (targets.device_type == DeviceType.CPU) CheckTargets(targets, weight.shape[0], ignoreIndex);
        var withGradients = GradientNode.Needed(hidden, weight);
        Tensor loss;
        Tensor? hiddenGradient, weightGradient;
        using (no_grad())
        using (var scope = NewDisposeScope())
        {
            var type = MatrixProduct.TypeFor(hidden);
            var rows = hidden.detach().to_type(type);
            hiddenGradient = withGradients && hidden.requires_grad ? empty(rows.shape, rows.dtype, rows.device) : null;
            weightGradient = withGradients && weight.requires_grad ? zeros(weight.shape, ScalarType.Float32, hidden.device) : null;
            using Scalar ignored = ignoreIndex, one = 1;
            var share = targets.ne(ignored).sum().clamp(min: one).to(ScalarType.Float32).reciprocal();
            loss = (Chunks(rows, weight, targets, ignoreIndex, share, hiddenGradient, weightGradient) * share).to(ScalarType.Float32);
            loss.MoveToOuterDisposeScope();
            hiddenGradient = hiddenGradient?.to_type(hidden.dtype);
            hiddenGradient?.MoveToOuterDisposeScope();
            weightGradient?.MoveToOuterDisposeScope();
        }
        if (withGradients) Record(hidden, weight, loss, hiddenGradient, weightGradient);
        return loss;
    }

    private static void Record(Tensor hidden, Tensor weight, Tensor loss, Tensor? hiddenGradient, Tensor? weightGradient)
    {
        var type = weight.dtype;
        var (forHidden, forWeight) = (hiddenGradient is not null, weightGradient is not null);
        Tensor[] saved = [.. new[] { hiddenGradient, weightGradient }.OfType<Tensor>()];
        GradientNode.Record([hidden, weight], [loss], saved, (saved, outputs) =>
        {
            if (outputs[0] is not { } gradient) return [null, null];
            var whole = gradient.device_type == DeviceType.CPU && gradient.item<float>() == 1; // another device would have to be waited for
            Tensor Scaled(Tensor tensor) => whole ? tensor.detach() : tensor.mul(gradient);
            return [forHidden ? Scaled(saved[0]) : null, forWeight ? Scaled(saved[^1]).to_type(type) : null];
        });
        foreach (var tensor in saved) tensor.Dispose();
    }

    // The sum of the losses, a float64 scalar; adds up the gradients of the mean where asked for.
    private static Tensor Chunks(Tensor hidden, Tensor weight, Tensor targets, long ignoreIndex, Tensor scale, Tensor? hiddenGradient, Tensor? weightGradient)
    {
        var (rows, vocabulary) = (hidden.shape[0], weight.shape[0]);
        var matrix = weight.detach().to_type(hidden.dtype);
        var transposed = matrix.t();
        var elements = hidden.device_type == DeviceType.CUDA ? CudaChunkElements : CpuChunkElements;
        var chunk = Math.Clamp(elements / Math.Max(1, vocabulary), FewestRows, Math.Max(FewestRows, rows));
        var buffer = empty([Math.Min(chunk, rows), vocabulary], hidden.dtype, hidden.device);
        var losses = empty([rows], ScalarType.Float32, hidden.device);
        for (var start = 0L; start < rows; start += chunk)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(chunk, rows - start);
            var input = hidden.detach().narrow(0, start, count);
            var logits = buffer.narrow(0, 0, count);
            Aten.MatMul(input, transposed, logits);
            CrossEntropyKernel.Run(logits, targets.narrow(0, start, count), losses.narrow(0, start, count), ignoreIndex, scale,
                withGradients: hiddenGradient is not null || weightGradient is not null);
            if (hiddenGradient is not null) Aten.MatMul(logits, matrix, hiddenGradient.narrow(0, start, count));
            if (weightGradient is null) continue;
            if (hidden.dtype == ScalarType.Float32) weightGradient.addmm_(logits.t(), input);
            else weightGradient.add_(logits.t().matmul(input));
        }
        return losses.sum(ScalarType.Float64);
    }

    private static unsafe void CheckTargets(Tensor targets, long vocabulary, long ignoreIndex)
    {
        foreach (var target in new ReadOnlySpan<long>((void*)Aten.DataPointer(targets), (int)targets.numel()))
        {
            if (target != ignoreIndex && (ulong)target >= (ulong)vocabulary)
                throw new CrossheadException($"a target is {target}, but the vocabulary has {vocabulary} entries; give targets of 0 to {vocabulary - 1}, or {ignoreIndex} for those that do not count.");
        }
        GC.KeepAlive(targets);
    }
}
