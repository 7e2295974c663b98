using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Rotary;

/// <summary>The launch of <c>rotary.cu</c>: <see cref="FusedRotary"/> on a CUDA device.</summary>
internal static class CudaRotary
{
    private const int Threads = 256;

    private static readonly RowSource Source = new("rotary.cu");

    /// <summary>Splits and rotates, or joins and rotates back.</summary>
    /// <param name="joint">[B, N, (h + gk + gv)·d]; written to backward.</param>
    /// <param name="query">[B, N, h, d]; written to forward, as the next two.</param>
    /// <param name="key">[B, N, gk, d]</param>
    /// <param name="value">[B, N, gv, d]</param>
    /// <param name="cosine">[N, d/2] or [B, N, d/2]</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="backward">Which way.</param>
    public static void Run(Tensor joint, Tensor query, Tensor key, Tensor value, Tensor cosine,
        Tensor sine, bool backward)
    {
        var half = (int)cosine.shape[^1];
        var lanes = RowSource.Lanes(half, joint, query, key, value, cosine, sine);
        var items = joint.numel() / 2 / lanes;
        if (items == 0) return;
        Source.Kernel(joint.device_index, "rotary_split", joint.dtype, lanes)
            .Launch(((int)((items + Threads - 1) / Threads), 1, 1), Threads, 0,
            [
                Aten.DataPointer(joint), Aten.DataPointer(query), Aten.DataPointer(key), Aten.DataPointer(value),
                Aten.DataPointer(cosine), Aten.DataPointer(sine),
                (int)query.shape[2], (int)key.shape[2], (int)value.shape[2], half, (int)(cosine.numel() / half), items,
                backward ? 1 : 0,
            ]);
        foreach (var tensor in new[] { joint, query, key, value, cosine, sine }) GC.KeepAlive(tensor);
    }
}
