using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels;

/// <summary>
/// The head and its loss, mean of −log softmax(hidden·weightᵀ)[target], on the CPU without ever holding all logits:
/// a chunk of rows at a time, its gradients computed while its logits are there and scaled in the backward pass.
/// </summary>
internal static unsafe class FusedLinearCrossEntropy
{
    /// <summary>Targets of this value do not count.</summary>
    public const long IgnoreIndex = -100;

    // Logits of one chunk. Fewer rows read the weight more often, more rows leave the second-level cache.
    private const long ChunkElements = 2 << 20;
    private const long FewestRows = 64;

    /// <summary>Whether <see cref="Apply"/> takes these tensors.</summary>
    /// <param name="hidden">[T, D], float32 or bfloat16.</param>
    /// <param name="weight">[V, D], float32 or of the type of <paramref name="hidden"/>.</param>
    /// <param name="targets">[T], int64.</param>
    public static bool Supports(Tensor hidden, Tensor weight, Tensor targets) =>
        RowKernel.Supports(hidden) && RowKernel.SupportsWeight(weight, hidden)
        && hidden.dim() == 2 && weight.dim() == 2 && hidden.shape[1] == weight.shape[1]
        && targets.device_type == TorchSharp.DeviceType.CPU && targets.dtype == ScalarType.Int64
        && targets.dim() == 1 && targets.shape[0] == hidden.shape[0];

    /// <summary>The mean loss, a float32 scalar.</summary>
    /// <remarks>Where every target is ignored the loss and its gradients are 0, so that an empty micro-batch adds nothing.</remarks>
    /// <param name="hidden">[T, D]</param>
    /// <param name="weight">[V, D]; converted to the type of <paramref name="hidden"/> once; its gradient is summed in float32.</param>
    /// <param name="targets">[T]: 0 … V−1, or <paramref name="ignoreIndex"/>.</param>
    /// <param name="ignoreIndex">Marks targets that do not count.</param>
    /// <exception cref="CrossheadException">A target is outside the vocabulary.</exception>
    public static Tensor Apply(Tensor hidden, Tensor weight, Tensor targets, long ignoreIndex = IgnoreIndex)
    {
        hidden = RowKernel.Dense(hidden);
        targets = RowKernel.Dense(targets);
        var counted = CountTargets(targets, weight.shape[0], ignoreIndex);
        var withGradients = GradientNode.Needed(hidden, weight);
        Tensor loss;
        Tensor? hiddenGradient, weightGradient;
        using (no_grad())
        using (var scope = NewDisposeScope())
        {
            hiddenGradient = withGradients && hidden.requires_grad ? empty(hidden.shape, hidden.dtype) : null;
            weightGradient = withGradients && weight.requires_grad ? zeros(weight.shape, ScalarType.Float32) : null;
            loss = tensor((float)(Chunks(hidden, weight, targets, ignoreIndex, 1f / Math.Max(1, counted), hiddenGradient, weightGradient) / Math.Max(1, counted)));
            loss.MoveToOuterDisposeScope();
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
            var whole = gradient.item<float>() == 1;
            return
            [
                !forHidden ? null : whole ? saved[0].detach() : saved[0].mul(gradient),
                !forWeight ? null : (whole ? saved[^1].detach() : saved[^1].mul(gradient)).to_type(type),
            ];
        });
        foreach (var tensor in saved) tensor.Dispose();
    }

    // The sum of the losses; adds up the gradients of the mean where asked for.
    private static double Chunks(Tensor hidden, Tensor weight, Tensor targets, long ignoreIndex, float scale, Tensor? hiddenGradient, Tensor? weightGradient)
    {
        var (rows, vocabulary) = (hidden.shape[0], weight.shape[0]);
        var matrix = weight.detach().to_type(hidden.dtype);
        var transposed = matrix.t();
        var chunk = Math.Clamp(ChunkElements / Math.Max(1, vocabulary), FewestRows, Math.Max(FewestRows, rows));
        var buffer = empty([Math.Min(chunk, rows), vocabulary], hidden.dtype);
        var losses = empty([rows], ScalarType.Float32);
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
        var total = 0.0;
        foreach (var loss in new ReadOnlySpan<float>((void*)Aten.DataPointer(losses), (int)rows)) total += loss;
        GC.KeepAlive(losses);
        return total;
    }

    private static long CountTargets(Tensor targets, long vocabulary, long ignoreIndex)
    {
        var counted = 0L;
        foreach (var target in new ReadOnlySpan<long>((void*)Aten.DataPointer(targets), (int)targets.numel()))
        {
            if (target == ignoreIndex) continue;
            if ((ulong)target >= (ulong)vocabulary)
                throw new CrossheadException($"a target is {target}, but the vocabulary has {vocabulary} entries; give targets of 0 to {vocabulary - 1}, or {ignoreIndex} for those that do not count.");
            counted++;
        }
        GC.KeepAlive(targets);
        return counted;
    }
}
