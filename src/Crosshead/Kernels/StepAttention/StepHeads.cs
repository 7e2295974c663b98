using System.Numerics;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// One launch between the joint product of a decoding step on a CUDA device and its attention. Queries are normed,
/// rotated and mixed. Keys and values are written to a bfloat16 cache, at positions that only the device knows
/// (<c>step_heads.cu</c>).
/// </summary>
internal static class StepHeads
{
    private const int Threads = 128;

    private static readonly Lazy<string> Source = new(
        () => KernelText.Read("bfloat16.cuh", "elements.cuh", "launches.cuh", "step_heads.cu"));

    /// <summary>Whether <see cref="Apply"/> takes a product of these activations.</summary>
    /// <param name="x">[B, 1, D]</param>
    /// <param name="cosine">[1, d/2] or [B, 1, d/2]</param>
    /// <param name="keys">[B, rows, T, width]</param>
    /// <param name="values">[B, rows', T, width']</param>
    public static bool Supports(Tensor x, Tensor cosine, Tensor keys, Tensor values) =>
        RowSource.Supports(x) && x.dtype == ScalarType.BFloat16 && x.shape[1] == 1 && !GradientNode.Needed(x)
        && cosine.dtype == ScalarType.Float32 && cosine.shape[^1] % RowSource.ManyLanes == 0
        && cosine.shape[^1] <= 32 * RowSource.ManyLanes
        && IsCache(keys) && IsCache(values) && keys.shape[1] * keys.shape[3] % (2 * cosine.shape[^1]) == 0;

    /// <summary>Norms and rotates heads, and writes to the caches.</summary>
    /// <param name="joint">[B, 1, h·d + rows·width + rows'·width' + g·d]: queries, keys, values and, with
    /// <paramref name="factors"/>, composed keys.</param>
    /// <param name="cosine">[1, d/2] or [B, 1, d/2], float32.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="queryNorm">[d], the weight of the queries' norm; null for none.</param>
    /// <param name="keyNorm">[d], likewise of the keys'.</param>
    /// <param name="epsilon">ε of all norms.</param>
    /// <param name="queryMix">m [g, c, 2, d/2], in memory in that order: query head i of group G(i) = i div (h/g)
    /// becomes the c heads conj(m_G(i),j) ⊙ q_i, with z_p = x[p] + i·x[p + d/2]; null for itself.</param>
    /// <param name="positions">The place of each sequence's token, below T, [B] or [1] (int64, on the device).</param>
    /// <param name="keys">[B, rows, T, width], rows of heads or of components, d wide each; written to.</param>
    /// <param name="values">[B, rows', T, width']; written to.</param>
    /// <param name="factors">[B, g, T], 1/rms of composed keys; written to. Null for none.</param>
    /// <param name="table">
    /// Not null if the caches are pages [pages, rows, P, width]: the pages of each sequence, [B, n] (int32, on the
    /// device), rows in order.
    /// </param>
    /// <param name="plain">[B, 1, h, d]; receives the queries without the mix. Null for nothing.</param>
    /// <param name="mixed">How many of the first sequences need the mix, [1] (int32, on the device); null for
    /// all.</param>
    /// <returns>Queries [B, 1, h, d], with <paramref name="queryMix"/> [B, 1, h, c·d].</returns>
    public static Tensor Apply(Tensor joint, Tensor cosine, Tensor sine, Tensor? queryNorm, Tensor? keyNorm,
        double epsilon, Tensor? queryMix, Tensor positions, Tensor keys, Tensor values, Tensor? factors,
        Tensor? table = null, Tensor? plain = null, Tensor? mixed = null)
    {
        (joint, cosine, sine) = (RowKernel.Dense(joint), RowKernel.Dense(cosine), RowKernel.Dense(sine));
        var (batch, half) = ((int)joint.shape[0], (int)cosine.shape[^1]);
        var (keyCount, valueCount, composed) = ((int)(keys.shape[1] * keys.shape[3]),
            (int)(values.shape[1] * values.shape[3]), (int)(factors?.shape[1] ?? 0));
        var (keyHeads, queryHeads) = (keyCount / (2 * half),
            (int)((joint.shape[2] - keyCount - valueCount) / (2 * half)) - composed);
        var (mixGroups, components) = queryMix is null ? (1, 0) : ((int)queryMix.shape[0], (int)queryMix.shape[1]);
        var query = empty([batch, 1, queryHeads, Math.Max(components, 1) * 2 * half], joint.dtype, joint.device);
        var group = (int)BitOperations.RoundUpToPowerOf2((uint)(half / RowSource.ManyLanes));
        var valueHeads = (valueCount + (2 * half) - 1) / (2 * half);
        var headsOfBlock = Threads / group;
        var brain = (queryNorm ?? keyNorm) is { } norm && norm.dtype == ScalarType.BFloat16 ? 1 : 0;
        CudaKernel.Load(joint.device_index, Source.Value, "step_heads", ["BF16=1", $"LANES={RowSource.ManyLanes}",
            $"BF16_WEIGHT={brain}", $"HALF={half}", $"GROUP={group}", $"COMPONENTS={components}"])
            .Launch(((queryHeads + keyHeads + valueHeads + composed + headsOfBlock - 1) / headsOfBlock, batch, 1),
                Threads, 0,
        [
            Aten.DataPointer(joint), joint.stride(0), Aten.DataPointer(cosine), Aten.DataPointer(sine),
            (int)(cosine.numel() / half),
            Aten.Address(queryNorm), Aten.Address(keyNorm), (float)epsilon, Aten.DataPointer(positions),
            positions.shape[0] == 1 ? 0 : 1,
            Aten.Address(table), (int)(table?.stride(0) ?? 0), (int)keys.shape[2],
            Aten.Address(queryMix), queryHeads / mixGroups, Aten.DataPointer(query), queryHeads, Aten.Address(plain),
            Aten.Address(mixed),
            Aten.DataPointer(keys), keys.stride(0), keys.stride(1), (int)keys.shape[3], keyHeads,
            Aten.DataPointer(values), values.stride(0), values.stride(1), (int)values.shape[3], valueCount,
            Aten.Address(factors), factors?.stride(0) ?? 0L, factors?.stride(1) ?? 0L, composed,
        ], early: true);
        foreach (var tensor
            in new[] { joint, cosine, sine, queryNorm, keyNorm, queryMix, positions, keys, values, factors, table,
                plain, mixed })
            GC.KeepAlive(tensor);
        return query;
    }

    private static bool IsCache(Tensor rows) =>
        rows.dtype == ScalarType.BFloat16 && rows.is_contiguous() && rows.shape[3] % RowSource.ManyLanes == 0;
}
