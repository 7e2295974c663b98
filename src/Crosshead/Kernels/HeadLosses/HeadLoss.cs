using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>
/// The output head and a loss of its logits hidden·weightᵀ, without ever holding all logits: a chunk of rows at a time,
/// whose gradients are computed while its logits are there and scaled in the backward pass.
/// </summary>
internal static class HeadLoss
{
    private const long FewestRows = 64;

    /// <summary>The mean loss, a scalar in at least float32.</summary>
    /// <param name="hidden">[T, D]</param>
    /// <param name="weight">[V, D]; converted to the type of <paramref name="hidden"/> once.</param>
    /// <param name="leaf">[V, D]: what takes the weight's gradient, which is summed in at least float32; the weight
    /// itself, or another tensor where the weight is shorter than its gradient.</param>
    /// <param name="begin">Makes the loss, given the rows in the type in which logits are computed; it may keep tensors
    /// until its mean is taken.</param>
    /// <param name="cap">The cap of the logits; null for none.</param>
    public static Tensor Apply(Tensor hidden, Tensor weight, Tensor leaf, Func<Tensor, IHeadLoss> begin,
        double? cap = null)
    {
        hidden = RowKernel.Dense(hidden);
        var withGradients = GradientNode.Needed(hidden, leaf);
        Tensor mean;
        Tensor? hiddenGradient, weightGradient;
        using (no_grad())
        using (NewDisposeScope())
        {
            var rows = hidden.detach().to_type(MatrixProduct.TypeFor(hidden));
            var sums = rows.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            hiddenGradient = withGradients && hidden.requires_grad ? empty(rows.shape, rows.dtype, rows.device) : null;
            weightGradient = withGradients && leaf.requires_grad ? empty(weight.shape, sums, rows.device) : null;
            var loss = begin(rows);
            // Rounded as the other weights are, also where the product is computed in a longer type.
            var rounded = weight.detach().to_type(hidden.dtype).to_type(rows.dtype);
            Chunks(loss, rows, rounded, hiddenGradient, weightGradient, cap);
            mean = loss.Mean().to(sums).MoveToOuterDisposeScope();
            hiddenGradient = hiddenGradient?.to_type(hidden.dtype);
            hiddenGradient?.MoveToOuterDisposeScope();
            weightGradient?.MoveToOuterDisposeScope();
        }
        if (withGradients) Record(hidden, leaf, mean, hiddenGradient, weightGradient);
        return mean;
    }

    // Adds up the gradients of the mean where asked for.
    private static void Chunks(IHeadLoss loss, Tensor hidden, Tensor weight, Tensor? hiddenGradient,
        Tensor? weightGradient, double? cap)
    {
        var (rows, vocabulary) = (hidden.shape[0], weight.shape[0]);
        var chunk = Math.Clamp(loss.ChunkElements / Math.Max(1, vocabulary), FewestRows, Math.Max(FewestRows, rows));
        var buffer = empty([Math.Min(chunk, rows), vocabulary], hidden.dtype, hidden.device);
        var transposed = weight.t();
        if (rows == 0) weightGradient?.zero_();
        for (var start = 0L; start < rows; start += chunk)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(chunk, rows - start);
            var (input, logits) = (hidden.narrow(0, start, count), buffer.narrow(0, 0, count));
            Aten.MatMul(input, transposed, logits);
            var withGradients = hiddenGradient is not null || weightGradient is not null;
            var slopes = LogitCap.Take(logits, cap, withGradients);
            loss.Take(logits, start, withGradients);
            if (slopes is not null) logits.mul_(slopes);
            if (hiddenGradient is not null) Aten.MatMul(logits, weight, hiddenGradient.narrow(0, start, count));
            if (weightGradient is null) continue;
            MatrixProduct.AddTo(weightGradient, logits, input, fresh: start == 0);
        }
    }

    private static void Record(Tensor hidden, Tensor leaf, Tensor loss, Tensor? hiddenGradient,
        Tensor? weightGradient)
    {
        var type = leaf.dtype;
        var (forHidden, forWeight) = (hiddenGradient is not null, weightGradient is not null);
        Tensor[] saved = [.. new[] { hiddenGradient, weightGradient }.OfType<Tensor>()];
        GradientNode.Record([hidden, leaf], [loss], saved, (saved, outputs) =>
        {
            if (outputs[0] is not { } gradient) return [null, null];
            // another device would have to be waited for
            var whole = gradient.device_type == DeviceType.CPU && gradient.to(ScalarType.Float64).item<double>() == 1;
            Tensor Scaled(Tensor tensor) => whole ? tensor.detach() : tensor.mul(gradient);
            return [forHidden ? Scaled(saved[0]) : null, forWeight ? Scaled(saved[^1]).to_type(type) : null];
        });
        foreach (var tensor in saved) tensor.Dispose();
    }
}
