using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// Composes heads from the components in pages of a cache, in bfloat16 on a CUDA device (<c>compose_pages.cu</c>).
/// </summary>
internal static class ComposePages
{
    private const int Threads = 128, Warps = 4, TileTokens = 64, Stages = 3;

    // A warp keeps its rows of the matrices in registers: 32 rows of so many numbers, or 16 of twice as many.
    private const int MostWidth = 512, BlocksOfMultiprocessor = 2;

    private static readonly Lazy<string> Source = new(
        () => KernelText.Read("bfloat16.cuh", "tensor_cores.cuh", "launches.cuh", "compose_pages.cu"));

    /// <summary>Whether <see cref="Apply"/> takes these components.</summary>
    /// <param name="components">[pages, 1, P, w]</param>
    /// <param name="headDim">Head width d.</param>
    public static bool Supports(Tensor components, long headDim) =>
        RowSource.Supports(components) && components.dtype == ScalarType.BFloat16 && components.is_contiguous()
        && components.shape[1] == 1 && components.shape[2] % TileTokens == 0 && components.shape[3] % 16 == 0
        && components.shape[3] <= MostWidth && headDim % 16 == 0 && headDim <= 128
        && SharedBytes(components.shape[3]) <= CudaDevice.Get(components.device_index).SharedMemoryPerBlock;

    /// <summary>Composes keys and values.</summary>
    /// <param name="keys">Components [pages, 1, P, w].</param>
    /// <param name="keyMatrices">[g, d, w], contiguous: head g of a token is M_g · its components.</param>
    /// <param name="factors">What each key head of a token is multiplied by, [pages, g, P], its strides even; null for
    /// nothing.</param>
    /// <param name="values">Components [pages, 1, P, w'].</param>
    /// <param name="valueMatrices">[g, d, w'], contiguous.</param>
    /// <param name="pages">The pages to compose, [n] (int32); the list ends before the first number below 0.</param>
    /// <param name="composedKeys">[n, g, P, d]; receives the heads of the pages in the order of the list.</param>
    /// <param name="composedValues">As <paramref name="composedKeys"/>.</param>
    public static void Apply(Tensor keys, Tensor keyMatrices, Tensor? factors, Tensor values, Tensor valueMatrices,
        Tensor pages, Tensor composedKeys, Tensor composedValues)
    {
        var (keyWidth, valueWidth, headDim) = (keys.shape[3], values.shape[3], keyMatrices.shape[1]);
        var (count, outputs) = ((int)pages.shape[0], (int)(keyMatrices.shape[0] * headDim));
        var kernel = CudaKernel.Load(keys.device_index, Source.Value, "compose_pages",
            [$"KEY_WIDTH={keyWidth}", $"VALUE_WIDTH={valueWidth}", $"DIM={headDim}"]);
        var rows = Math.Min(RowsOfBlock(keyWidth, headDim), RowsOfBlock(valueWidth, headDim));
        var groups = (outputs + rows - 1) / rows;
        var workers = Math.Max(1, BlocksOfMultiprocessor * kernel.Device.Multiprocessors / (2 * groups));
        kernel.Launch((Math.Min(count, workers), groups, 2), Threads, SharedBytes(Math.Max(keyWidth, valueWidth)),
        [
            Aten.DataPointer(keys), Aten.DataPointer(keyMatrices), Aten.Address(factors),
            factors?.stride(0) ?? 0L, factors?.stride(1) ?? 0L, Aten.DataPointer(composedKeys),
            Aten.DataPointer(values), Aten.DataPointer(valueMatrices), Aten.DataPointer(composedValues),
            Aten.DataPointer(pages), count, (int)keys.shape[2], outputs,
        ], early: true);
        Tensor?[] used = [keys, keyMatrices, factors, values, valueMatrices, pages, composedKeys, composedValues];
        foreach (var tensor in used) GC.KeepAlive(tensor);
    }

    private static int RowsOfBlock(long width, long headDim) =>
        Warps * (headDim % 32 == 0 && width <= MostWidth / 2 ? 32 : 16);

    // The last row is read 16 bytes too far where the width is an odd multiple of 16.
    private static int SharedBytes(long width) => (int)(Stages * TileTokens * (width + 8) * 2) + 16;
}
