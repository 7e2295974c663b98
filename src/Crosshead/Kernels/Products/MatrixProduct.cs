using Crosshead.Kernels.Common;
using Crosshead.Runtime;
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
        IsWidened(x.dtype, x.device, x.numel() / Math.Max(1, x.shape[^1])) ? Widened(x, weight, bias)
        : nn.functional.linear(x, weight, bias);

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
        if (!GradientNode.Needed(inputs)) return result;
        GradientNode.Record(inputs, [result], inputs, static (saved, outputs) =>
        {
            if (outputs[0] is not { } gradient) return new Tensor?[saved.Length];
            var rows = Wide(gradient).reshape(-1, gradient.shape[^1]); // [n, O]
            var input = Wide(saved[0]).reshape(-1, saved[0].shape[^1]); // [n, D]
            var inputGradient = rows.matmul(Wide(saved[1])).view(saved[0].shape).to_type(saved[0].dtype);
            var weightGradient = rows.t().matmul(input).to_type(saved[1].dtype);
            return saved.Length == 2 ? [inputGradient, weightGradient]
                : [inputGradient, weightGradient, rows.sum(dim: 0).to_type(saved[2].dtype)];
        });
        return result;
    }

    private static Tensor Wide(Tensor tensor) => tensor.detach().to_type(ScalarType.Float32);
}
