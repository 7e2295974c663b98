using System.Numerics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Norms;

/// <summary>The launches of <c>rms_norm.cu</c>: <see cref="RmsNormKernel"/> on a CUDA device.</summary>
internal static class CudaRmsNorm
{
    private const int Threads = 256, BlocksPerMultiprocessor = 4;

    private static readonly RowSource Source = new("rms_norm.cu");

    /// <inheritdoc cref="RmsNormKernel.Forward"/>
    public static (Tensor? Sum, Tensor Normed) Forward(Tensor? residual, Tensor input, Tensor weight, double epsilon,
        out Tensor inverse)
    {
        var (together, step) = Stretches(input);
        if (together == 0) input = RowKernel.Dense(input);
        var (width, device) = ((int)input.shape[^1], input.device_index);
        var rows = input.numel() / Math.Max(1, width);
        var normed = empty(input.shape, input.dtype, input.device);
        var sum = residual is null ? null : empty(input.shape, input.dtype, input.device);
        inverse = empty([rows], ScalarType.Float32, input.device);
        if (rows == 0) return (sum, normed);
        using var dense = weight.detach().contiguous();
        var lanes = RowSource.Lanes(width, input, residual, dense);
        var group = Group(width, lanes);
        var kernel = Source.Kernel(device, "rms_norm", input.dtype, lanes, weight.dtype, width, group);
        var rowsOfBlock = Threads / group;
        kernel.Launch(((int)((rows + rowsOfBlock - 1) / rowsOfBlock), 1, 1), Threads, 0,
        [
            Aten.DataPointer(input), Aten.Address(residual), Aten.DataPointer(dense), WeightRows(weight),
            Aten.Address(sum), Aten.DataPointer(normed), Aten.DataPointer(inverse), rows, (float)epsilon, together,
            step,
        ], early: true);
        GC.KeepAlive(residual);
        GC.KeepAlive(input);
        return (sum, normed);
    }

    /// <inheritdoc cref="RmsNormKernel.Backward"/>
    public static (Tensor Input, Tensor Weight) Backward(Tensor input, Tensor weight, Tensor inverse, Tensor? direct,
        Tensor gradient)
    {
        gradient = RowKernel.Dense(gradient);
        direct = direct is null ? null : RowKernel.Dense(direct);
        var (width, weightRows) = ((int)input.shape[^1], WeightRows(weight));
        var rows = inverse.numel();
        var result = empty(input.shape, input.dtype, input.device);
        using var dense = weight.contiguous();
        var lanes = RowSource.Lanes(width, input, direct, gradient, dense);
        var group = Group(width, lanes);
        var kernel = Source.Kernel(input.device_index, "rms_norm_backward", input.dtype, lanes,
            weight.dtype, width, group);
        var rowsOfBlock = Threads / group;
        var blocks = (int)Math.Clamp((rows + rowsOfBlock - 1) / rowsOfBlock, 1,
            kernel.Device.Multiprocessors * BlocksPerMultiprocessor);
        while (blocks * rowsOfBlock % weightRows != 0) blocks++;
        using var parts = empty([blocks * rowsOfBlock / weightRows, weightRows, width],
            ScalarType.Float32, input.device);
        kernel.Launch((blocks, 1, 1), Threads, 0,
        [
            Aten.DataPointer(input), Aten.DataPointer(dense), weightRows, Aten.DataPointer(inverse),
            Aten.Address(direct), Aten.DataPointer(gradient), Aten.DataPointer(result), Aten.DataPointer(parts), rows,
        ]);
        foreach (var tensor in new[] { input, inverse, direct, gradient }) GC.KeepAlive(tensor);
        return (result, parts.sum([0L]).view(weight.shape).to_type(weight.dtype));
    }

    // How many rows of a tensor [A, 1, n, d] lie side by side, and how far apart such stretches do, where they are
    // parts of a joint product of one token a sequence; 0 for other tensors.
    private static (int Together, long Step) Stretches(Tensor input)
    {
        if (input.dim() != 4 || input.is_contiguous() || input.shape[1] != 1) return (0, 0);
        var (rows, width, step) = (input.shape[2], input.shape[3], input.stride(0));
        return input.stride(3) == 1 && input.stride(2) == width && step % RowSource.ManyLanes == 0
            ? ((int)rows, step) : (0, 0);
    }

    // Threads a row: as many as have work, so that most rows need one load a thread.
    private static int Group(int width, int lanes) =>
        (int)Math.Min(Threads, BitOperations.RoundUpToPowerOf2((uint)((width + lanes - 1) / lanes)));

    private static int WeightRows(Tensor weight) => weight.dim() == 2 ? (int)weight.shape[0] : 1;
}
