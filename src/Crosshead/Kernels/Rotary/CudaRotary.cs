using System.Numerics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Rotary;

/// <summary>The launches of <c>rotary.cu</c>: <see cref="FusedRotary"/> on a CUDA device.</summary>
internal static class CudaRotary
{
    private const int Threads = 256, Warp = 32, BlocksPerMultiprocessor = 4;

    private static readonly RowSource Source = new("rotary.cu");

    /// <summary>Whether heads of a width can be normed in the same pass: a power of two of threads takes one.</summary>
    public static bool CanNorm(long width) => width % (2 * RowSource.ManyLanes) == 0
        && width / 2 / RowSource.ManyLanes is <= Warp and var threads && BitOperations.IsPow2(threads);

    /// <summary>Splits, norms and rotates.</summary>
    /// <param name="joint">[B, N, (h + gk + gv)·d]</param>
    /// <param name="heads">[B, N, h, d], [B, N, gk, d] and [B, N, gv, d]; written.</param>
    /// <param name="cosine">[N, d/2] or [B, N, d/2]</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="norms">The norms.</param>
    public static void Split(Tensor joint, SplitHeads heads, Tensor cosine, Tensor sine, HeadNorms norms)
    {
        var lanes = Lanes(joint, heads, cosine, sine, norms);
        var items = joint.numel() / 2 / lanes;
        if (items == 0) return;
        Kernel("rotary_split", joint, cosine, lanes, norms).Launch(
            (checked((int)((items + Threads - 1) / Threads)), 1, 1), Threads, 0,
            [
                Aten.DataPointer(joint), Aten.DataPointer(heads.Query), Aten.DataPointer(heads.Key),
                Aten.DataPointer(heads.Value), .. Arguments(heads, cosine, sine, norms, items),
            ]);
        KeepAlive(joint, heads, cosine, sine, norms);
    }

    /// <summary>The way back: the gradient of what was split, and of the norms' factors.</summary>
    /// <param name="joint">[B, N, (h + gk + gv)·d]: what was split; null without norms.</param>
    /// <param name="result">Likewise: its gradient; written.</param>
    /// <param name="gradients">[B, N, h, d], [B, N, gk, d] and [B, N, gv, d]</param>
    /// <param name="cosine">[N, d/2] or [B, N, d/2]</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="norms">The norms.</param>
    /// <returns>[2, d] float32: gradients of the factors of queries and of keys; null without norms.</returns>
    public static Tensor? Join(Tensor? joint, Tensor result, SplitHeads gradients, Tensor cosine, Tensor sine,
        HeadNorms norms)
    {
        var lanes = Lanes(result, gradients, cosine, sine, norms, joint);
        var (items, width) = (result.numel() / 2 / lanes, 2 * cosine.shape[^1]);
        var blocks = checked((int)((items + Threads - 1) / Threads));
        var kernel = Kernel("rotary_join", result, cosine, lanes, norms);
        if (!norms.AreNone) blocks = Math.Min(blocks, kernel.Device.Multiprocessors * BlocksPerMultiprocessor);
        using var parts = norms.AreNone ? null
            : empty([blocks * (Threads / Warp), 2, width], ScalarType.Float32, result.device);
        if (items > 0)
        {
            kernel.Launch((blocks, 1, 1), Threads, 0,
            [
                Aten.Address(joint), Aten.DataPointer(result), Aten.DataPointer(gradients.Query),
                Aten.DataPointer(gradients.Key), Aten.DataPointer(gradients.Value),
                .. Arguments(gradients, cosine, sine, norms, items), Aten.Address(parts),
            ]);
        }
        KeepAlive(result, gradients, cosine, sine, norms);
        GC.KeepAlive(joint);
        return parts?.sum([0L]);
    }

    private static CudaKernel Kernel(string name, Tensor joint, Tensor cosine, int lanes, HeadNorms norms) =>
        Source.Kernel(joint.device_index, name, joint.dtype, lanes,
            group: norms.AreNone ? 0 : (int)cosine.shape[^1] / lanes);

    private static int Lanes(Tensor joint, SplitHeads heads, Tensor cosine, Tensor sine, HeadNorms norms,
        Tensor? further = null) => RowSource.Lanes(cosine.shape[^1], joint, heads.Query, heads.Key, heads.Value,
            cosine, sine, norms.Query, norms.Key, further);

    private static KernelArgument[] Arguments(SplitHeads heads, Tensor cosine, Tensor sine, HeadNorms norms, long items)
    {
        var half = (int)cosine.shape[^1];
        return
        [
            Aten.DataPointer(cosine), Aten.DataPointer(sine), Aten.Address(norms.Query), Aten.Address(norms.Key),
            (float)norms.Epsilon, (int)heads.Query.shape[2], (int)heads.Key.shape[2], (int)heads.Value.shape[2], half,
            (int)(cosine.numel() / half), (long)checked((uint)items), // the kernels count them in 32 bits
        ];
    }

    private static void KeepAlive(Tensor joint, SplitHeads heads, Tensor cosine, Tensor sine, HeadNorms norms)
    {
        foreach (var tensor in new[]
            { joint, heads.Query, heads.Key, heads.Value, cosine, sine, norms.Query, norms.Key }) GC.KeepAlive(tensor);
    }
}
