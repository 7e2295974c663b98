using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Products;

/// <summary>
/// Products with weights, in the precision of the activations. Processors without bfloat16 instructions take several
/// times as long for libtorch's bfloat16 product as for its float32 one. There the factors are widened, multiplied in
/// float32 and the result rounded once, which is what the bfloat16 product computes too, but for the order of its sums.
/// </summary>
internal static class MatrixProduct
{
    // Below, libtorch's bfloat16 product is limited by reading the weights, not by its arithmetic.
    private const long FewestRows = 8;

    /// <summary>Whether products of so many rows are computed in float32 although the rows are bfloat16.</summary>
    public static bool IsWidened(ScalarType type, Device device, long rows) =>
        type == ScalarType.BFloat16 && device.type == TorchSharp.DeviceType.CPU && rows >= FewestRows
        && !CpuVectors.MultiplyBFloat16;

    /// <summary>
    /// The type that products with these rows are computed in: float32 where they are widened, else the rows' own.
    /// </summary>
    /// <param name="rows">[n, D]</param>
    public static ScalarType TypeFor(Tensor rows) =>
        IsWidened(rows.dtype, rows.device, rows.shape[0]) ? ScalarType.Float32 : rows.dtype;

    /// <summary>x weightᵀ + bias.</summary>
    /// <param name="x">[…, D]</param>
    /// <param name="weight">[O, D], in the type of <paramref name="x"/>.</param>
    /// <param name="bias">[O], in the type of <paramref name="x"/>; null for none.</param>
    /// <returns>[…, O], in the type of <paramref name="x"/>.</returns>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias) =>
        IsWidened(x) ? Widened(x, weight, bias) : nn.functional.linear(x, weight, bias);

    /// <summary><see cref="Linear"/> by float32 products; what is kept for the way back stays bfloat16.</summary>
    internal static Tensor Widened(Tensor x, Tensor weight, Tensor? bias)
    {
        Tensor result;
        using (no_grad())
        using (NewDisposeScope())
        {
            var product = nn.functional.linear(Wide(x), Wide(weight), bias is null ? null : Wide(bias));
            result = product.to_type(x.dtype).MoveToOuterDisposeScope();
        }
        Tensor[] inputs = bias is null ? [x, weight] : [x, weight, bias];
        if (GradientNode.Needed(inputs)) Record(inputs, 1, result, wide: true);
        return result;
    }

    /// <summary>
    /// One product in place of several with the same x: their results side by side. The weights lie side by side only
    /// while a product is computed.
    /// </summary>
    /// <param name="x">[…, D]</param>
    /// <param name="weights">Each [O, D], in the type of <paramref name="x"/>.</param>
    /// <param name="biases">Each [O], likewise; null for none.</param>
    /// <returns>[…, ΣO]</returns>
    public static Tensor Joint(Tensor x, IReadOnlyList<Tensor> weights, IReadOnlyList<Tensor>? biases)
    {
        Tensor result;
        using (no_grad())
        using (NewDisposeScope())
            result = Linear(x, cat([.. weights]), biases is null ? null : cat([.. biases])).MoveToOuterDisposeScope();
        Tensor[] inputs = [x, .. weights, .. biases ?? []];
        if (GradientNode.Needed(inputs)) Record(inputs, weights.Count, result, IsWidened(x));
        return result;
    }

    /// <summary>Whether products with these rows […, D] are computed in float32 although they are bfloat16.</summary>
    internal static bool IsWidened(Tensor x) =>
        IsWidened(x.dtype, x.device, x.numel() / Math.Max(1, x.shape[^1]));

    /// <summary>Gradient of a product's x: rows · weight, in the type of the rows.</summary>
    /// <param name="rows">Gradient of the product, [n, O].</param>
    /// <param name="weight">[O, D]</param>
    /// <param name="wide">Whether to compute in float32.</param>
    internal static Tensor InputGradient(Tensor rows, Tensor weight, bool wide) =>
        wide ? Wide(rows).matmul(Wide(weight)).to_type(rows.dtype) : rows.matmul(weight);

    /// <summary>Gradients of a product's weight, rowsᵀ · input, and of its bias, in the type of the rows.</summary>
    /// <param name="rows">Gradient of the product, [n, O].</param>
    /// <param name="input">[n, D]</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="wide">Whether to compute in float32.</param>
    internal static (Tensor Weight, Tensor? Bias) WeightGradients(Tensor rows, Tensor input, bool bias, bool wide)
    {
        var type = rows.dtype;
        if (wide) (rows, input) = (Wide(rows), Wide(input));
        return (rows.t().matmul(input).to_type(type), bias ? rows.sum(dim: 0).to_type(type) : null);
    }

    /// <summary>sum ← leftᵀ · right, or sum ← sum + leftᵀ · right, without gradients.</summary>
    /// <param name="sum">[m, n], dense, of the factors' type or float32; written.</param>
    /// <param name="left">[k, m], dense.</param>
    /// <param name="right">[k, n], dense.</param>
    /// <param name="fresh">Whether the sum begins with this product, whatever it held before.</param>
    internal static void AddTo(Tensor sum, Tensor left, Tensor right, bool fresh)
    {
        if (left.device_type == TorchSharp.DeviceType.CUDA && left.dtype == ScalarType.BFloat16
            && sum.dtype == ScalarType.Float32 && Cublas.On(left.device_index) is { } blas)
        {
            blas.AddProduct(Aten.DataPointer(left), Aten.DataPointer(right), Aten.DataPointer(sum),
                checked((int)left.shape[1]), checked((int)right.shape[1]), checked((int)left.shape[0]), fresh);
            foreach (var tensor in new[] { sum, left, right }) GC.KeepAlive(tensor);
            return;
        }
        if (fresh) sum.zero_();
        if (left.dtype == sum.dtype) sum.addmm_(left.t(), right);
        else sum.add_(left.t().matmul(right));
    }

    // The inputs are x, so many weights, and no biases or as many.
    private static void Record(Tensor[] inputs, int weights, Tensor result, bool wide)
    {
        var needed = inputs.Select(i => i.requires_grad).ToArray();
        GradientNode.Record(inputs, [result], inputs, (saved, outputs) =>
        {
            var gradients = new Tensor?[saved.Length];
            if (outputs[0] is not { } gradient) return gradients;
            var rows = gradient.reshape(-1, gradient.shape[^1]);  // [n, ΣO]
            var parts = saved[1..(weights + 1)];
            if (needed[0])
                gradients[0] = InputGradient(rows, weights == 1 ? parts[0] : cat(parts), wide).view(saved[0].shape);
            if (!needed.Skip(1).Contains(true)) return gradients;
            var input = saved[0].reshape(-1, saved[0].shape[^1]); // [n, D]
            var (weight, bias) = WeightGradients(rows, input, saved.Length > weights + 1, wide);
            var widths = parts.Select(p => p.shape[0]).ToArray();
            weight.split(widths, 0).CopyTo(gradients, 1);
            bias?.split(widths, 0).CopyTo(gradients, weights + 1);
            return gradients;
        });
    }

    private static Tensor Wide(Tensor tensor) => tensor.detach().to_type(ScalarType.Float32);
}
