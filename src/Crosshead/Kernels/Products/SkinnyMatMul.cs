using Crosshead.Kernels.Common;
using Crosshead.Kernels.Experts;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Products;

/// <summary>
/// x wᵀ + b for a few tokens in bfloat16 on a CUDA device, at the speed at which the weight is read
/// (<c>skinny_matmul.cu</c>). The weight is read ahead while kernels before still run: it must not be what one of them
/// writes.
/// </summary>
internal static class SkinnyMatMul
{
    /// <summary>More tokens are cuBLAS's (measured: docs/research-log.md).</summary>
    private const int MostTokens = 8;

    private const int TileOutputs = 16, Columns = 8, ShortInputs = 1024;

    // Rows of a group of heads from which a block takes more of them, so that matrices are read less often.
    private const int ManyRows = 64, ManyGroups = 4;

    private static readonly Lazy<string> Source = new(
        () => KernelText.Read("bfloat16.cuh", "tensor_cores.cuh", "launches.cuh", "gates.cuh", "skinny_matmul.cu"));

    // What a weight serves.
    private enum Weights { All, Expert, Group }

    /// <summary>Whether <see cref="Apply"/> takes these tensors and is the fastest.</summary>
    /// <param name="x">[…, K]</param>
    /// <param name="weight">[O, K]</param>
    /// <param name="bias">[O]; null for none.</param>
    public static bool Supports(Tensor x, Tensor weight, Tensor? bias) =>
        x.numel() / Math.Max(1, x.shape[^1]) is > 0 and <= MostTokens && SupportsTypes(x, weight, bias);

    /// <summary>Whether tensors, however many tokens there are, are such as the kernel takes.</summary>
    /// <param name="x">[…, K]</param>
    /// <param name="weight">[…, O, K]</param>
    /// <param name="bias">[O]; null for none.</param>
    public static bool SupportsTypes(Tensor x, Tensor weight, Tensor? bias) =>
        RowSource.Supports(x) && x.dtype == ScalarType.BFloat16 && weight.dtype == x.dtype
        && weight.device_type == x.device_type && (bias is null || bias.dtype == x.dtype)
        && weight.shape[^1] == x.shape[^1] && x.shape[^1] % 8 == 0 && weight.is_contiguous()
        && Aten.DataPointer(weight) % 16 == 0
        && !GradientNode.Needed(x, weight);

    /// <summary>x weightᵀ + bias.</summary>
    /// <param name="x">[…, K]</param>
    /// <param name="weight">[O, K]</param>
    /// <param name="bias">[O]; null for none.</param>
    /// <returns>[…, O]</returns>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias) =>
        Run(x, weight, bias, ProductGate.None, x.dtype);

    /// <summary>
    /// x weightᵀ in the precision of its sums, for a router's logits, whose order must not depend on rounding.
    /// </summary>
    /// <param name="x">[…, K]</param>
    /// <param name="weight">[O, K]</param>
    /// <returns>[…, O] in float32.</returns>
    public static Tensor ApplyWide(Tensor x, Tensor weight) =>
        Run(x, weight, null, ProductGate.None, ScalarType.Float32);

    /// <summary>silu(gate)·up of a joint projection.</summary>
    /// <param name="x">[…, K]</param>
    /// <param name="weight">[2·O, K]: gate, then up.</param>
    /// <param name="bias">[2·O]; null for none.</param>
    /// <returns>[…, O]</returns>
    public static Tensor ApplyGated(Tensor x, Tensor weight, Tensor? bias) =>
        Run(x, weight, bias, ProductGate.Silu, x.dtype);

    /// <summary>Like <see cref="Apply"/> or <see cref="ApplyGated"/> with one weight per expert.</summary>
    /// <param name="x">[T, K]</param>
    /// <param name="weight">[E, O, K], or [E, 2·O, K]: gate, then up.</param>
    /// <param name="bias">[E, O] or [E, 2·O]; null for none.</param>
    /// <param name="routes">Which tokens each expert serves.</param>
    /// <param name="shared">Places that share a row of <paramref name="x"/>: place p reads row p div shared.</param>
    /// <param name="gate">The gate, if there is one.</param>
    /// <returns>[places, O]</returns>
    public static Tensor ApplyExperts(Tensor x, Tensor weight, Tensor? bias, ExpertRoutes routes, int shared,
        ProductGate gate)
    {
        x = RowKernel.Dense(x);
        var (outputs, inputs) = ((int)weight.shape[1] / gate.RowsOfResult, (int)weight.shape[2]);
        var output = empty([routes.Places, outputs], x.dtype, x.device);
        // An expert seldom serves more than 8 tokens. If it does, its weight is read from the cache again.
        var (kernel, width, threads) = Kernel(x.device_index, outputs, inputs, Weights.Expert, gate);
        kernel.Launch(((outputs + width - 1) / width, routes.Slots, 1), threads, 0,
        [
            Aten.DataPointer(x), Aten.DataPointer(weight), Aten.Address(bias), Aten.DataPointer(output), 0, outputs,
            inputs, Aten.DataPointer(routes.Chosen), Aten.DataPointer(routes.Starts), Aten.DataPointer(routes.Order),
            shared, gate.Limit,
        ], early: true);
        foreach (var tensor in new[] { x, weight, bias, routes.Chosen, routes.Starts, routes.Order })
            GC.KeepAlive(tensor);
        return output;
    }

    /// <summary>Like <see cref="Apply"/> with one weight per group of heads.</summary>
    /// <param name="heads">[B, h, 1, K]</param>
    /// <param name="weight">[g, O, K]: a matrix for each h/g heads in a row.</param>
    /// <param name="wanted">How many of the first sequences are computed, [1] (int32, on the device); null for
    /// all.</param>
    /// <returns>[B, h, 1, O]</returns>
    public static Tensor ApplyGroups(Tensor heads, Tensor weight, Tensor? wanted = null)
    {
        heads = RowKernel.Dense(heads);
        var (batch, count, groups, outputs, inputs) = ((int)heads.shape[0], (int)heads.shape[1], (int)weight.shape[0],
            (int)weight.shape[1], (int)weight.shape[2]);
        var output = empty([batch, count, 1, outputs], heads.dtype, heads.device);
        var rows = batch * (count / groups);
        var columnGroups = rows >= ManyRows ? ManyGroups : 1;
        var columns = Columns * columnGroups;
        var (kernel, width, threads) = Kernel(heads.device_index, outputs, inputs, Weights.Group,
            columnGroups: columnGroups);
        kernel.Launch(((outputs + width - 1) / width, groups, (rows + columns - 1) / columns), threads, 0,
        [
            Aten.DataPointer(heads), Aten.DataPointer(weight), (nint)0, Aten.DataPointer(output), rows, outputs, inputs,
            Aten.Address(wanted), (nint)0, (nint)0, count / groups, 0f,
        ], early: true);
        foreach (var tensor in new[] { heads, weight, wanted }) GC.KeepAlive(tensor);
        return output;
    }

    private static Tensor Run(Tensor x, Tensor weight, Tensor? bias, ProductGate gate, ScalarType type)
    {
        x = RowKernel.Dense(x);
        var (outputs, inputs) = (weight.shape[0] / gate.RowsOfResult, x.shape[^1]);
        var output = empty([.. x.shape[..^1], outputs], type, x.device);
        var (kernel, width, threads) = Kernel(x.device_index, (int)outputs, (int)inputs, Weights.All, gate,
            wide: type == ScalarType.Float32);
        kernel.Launch((((int)outputs + width - 1) / width, 1, 1), threads, 0,
        [
            Aten.DataPointer(x), Aten.DataPointer(weight), Aten.Address(bias),
            Aten.DataPointer(output), (int)(x.numel() / inputs), (int)outputs, (int)inputs,
            (nint)0, (nint)0, (nint)0, 1, 0f,
        ], early: true);
        foreach (var tensor in new[] { x, weight, bias }) GC.KeepAlive(tensor);
        return output;
    }

    // Measured (docs/research-log.md): two tiles per block if these are enough for all multiprocessors, otherwise one
    // tile that is read further ahead; small blocks for the short rows of the experts' second products.
    private static (CudaKernel Kernel, int Outputs, int Threads) Kernel(int device, int outputs, int inputs, Weights of,
        ProductGate gate = default, bool wide = false, int columnGroups = 1)
    {
        var gated = gate.Kind != 0;
        var experts = of == Weights.Expert;
        var (tiles, warps, depth) = of != Weights.All && inputs <= ShortInputs ? (2, 4, 2)
            : gated || experts || outputs > TileOutputs * CudaDevice.Get(device).Multiprocessors
            ? (2, 8, 4) : (1, 8, 8);
        var kernel = CudaKernel.Load(device, Source.Value, "skinny_matmul",
        [
            $"TILES={tiles}", $"WARPS={warps}", $"DEPTH={depth}", $"GROUPS={columnGroups}", gate.Define,
            $"EXPERTS={(experts ? 1 : 0)}", $"HEADS={(of == Weights.Group ? 1 : 0)}", $"WIDE={(wide ? 1 : 0)}",
        ]);
        return (kernel, gated ? TileOutputs : tiles * TileOutputs, 32 * warps);
    }
}
