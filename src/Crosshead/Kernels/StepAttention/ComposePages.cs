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
    private const int Threads = 128, TileTokens = 64, BlocksOfHead = 32;

    private static readonly Lazy<string> Source = new(
        () => KernelText.Read("bfloat16.cuh", "tensor_cores.cuh", "compose_pages.cu"));

    /// <summary>Whether <see cref="Apply"/> takes these tensors.</summary>
    /// <param name="components">[pages, 1, P, w]</param>
    /// <param name="headDim">Head width d.</param>
    public static bool Supports(Tensor components, long headDim) =>
        RowSource.Supports(components) && components.dtype == ScalarType.BFloat16 && components.is_contiguous()
        && components.shape[1] == 1 && components.shape[2] % TileTokens == 0 && components.shape[3] % 16 == 0
        && headDim % 16 == 0 && headDim <= 128
        && SharedBytes(components.shape[3], headDim) <= CudaDevice.Get(components.device_index).SharedMemoryPerBlock;

    /// <summary>Composes.</summary>
    /// <param name="components">[pages, 1, P, w]</param>
    /// <param name="matrices">[g, d, w], contiguous: head g of a token is M_g · its components.</param>
    /// <param name="factors">What each head of a token is multiplied by, [pages, g, P]; null for nothing.</param>
    /// <param name="pages">The pages to compose, [n] (int32); the list ends before the first number below 0.</param>
    /// <param name="composed">[n, g, P, d]; receives the heads of the pages in the order of the list.</param>
    public static void Apply(Tensor components, Tensor matrices, Tensor? factors, Tensor pages, Tensor composed)
    {
        var (width, heads, headDim) = (components.shape[3], (int)matrices.shape[0], matrices.shape[1]);
        var count = (int)pages.shape[0];
        CudaKernel.Load(components.device_index, Source.Value, "compose_pages", [$"WIDTH={width}", $"DIM={headDim}"])
            .Launch((Math.Min(count, BlocksOfHead), heads, 1), Threads, SharedBytes(width, headDim),
        [
            Aten.DataPointer(components), Aten.DataPointer(matrices),
            factors is null ? 0 : Aten.DataPointer(factors), factors?.stride(0) ?? 0L, factors?.stride(1) ?? 0L,
            Aten.DataPointer(pages), count, (int)components.shape[2], Aten.DataPointer(composed),
        ]);
        foreach (var tensor in new[] { components, matrices, factors, pages, composed }) GC.KeepAlive(tensor);
    }

    private static int SharedBytes(long width, long headDim) => (int)((TileTokens + headDim) * (width + 8) * 2);
}
