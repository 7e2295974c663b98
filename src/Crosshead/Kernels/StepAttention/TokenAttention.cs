using System.Collections.Concurrent;
using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// From the joint product of a decoding step on a CUDA device to the outputs of its heads, in one launch, for a few
/// sequences whose bfloat16 caches of whole heads are not long (<c>token_attention.cu</c>). It is what
/// <see cref="StepHeads"/> and <see cref="DecodeAttention"/> compute, and reads the past before the product is done.
/// </summary>
internal static class TokenAttention
{
    /// <summary>Room for more tokens is for more blocks than a cluster has.</summary>
    private const int MostTokens = 4096;

    private const int Threads = 256, MostCluster = 8, MostQueries = 8, TileTokens = 16;

    private static readonly Lazy<string> Source = new(() => KernelText.Read("bfloat16.cuh", "tensor_cores.cuh",
        "launches.cuh", "clusters.cuh", "scores.cuh", "head_lines.cuh", "token_attention.cu"));

    private static readonly ConcurrentDictionary<(int Device, int Width, int Queries, bool Paged, bool Normed,
        ScoreKind Scores),
        (CudaKernel Kernel, int AtOnce)> Known = new();

    /// <summary>Whether <see cref="Apply"/> takes these tensors and is the fastest.</summary>
    /// <param name="x">What the joint product is of, [B, 1, D].</param>
    /// <param name="cosine">[1, d/2] or [B, 1, d/2]</param>
    /// <param name="keys">[B, g, T, d], or pages [pages, g, P, d].</param>
    /// <param name="values">Of the same shape.</param>
    /// <param name="heads">Query heads h.</param>
    /// <param name="capacity">Tokens that a sequence has room for.</param>
    /// <param name="paged">Whether there are pages; then for one sequence, as several could be tokens of the
    /// same.</param>
    /// <param name="queryNorm">The weight of the queries' norm; null for none.</param>
    /// <param name="keyNorm">The weight of the keys' norm; null for none.</param>
    /// <param name="scores">What scores there are.</param>
    public static bool Supports(Tensor x, Tensor cosine, Tensor keys, Tensor values, long heads, long capacity,
        bool paged, Tensor? queryNorm, Tensor? keyNorm, ScoreKind scores = default)
    {
        var (batch, rows, width) = (x.shape[0], keys.shape[1], keys.shape[3]);
        return StepHeads.Supports(x, cosine, keys, values) && width is 64 or 128 && values.shape[3] == width
            && values.shape[1] == rows && cosine.shape[^1] == width / 2 && heads % rows == 0
            && heads / rows <= MostQueries && capacity <= MostTokens && (!paged || batch == 1)
            && (!paged || keys.shape[2] % TileTokens == 0) && queryNorm is null == keyNorm is null
            && new[] { queryNorm, keyNorm }.All(n => n is null || (n.dtype == x.dtype && n.is_contiguous()))
            && batch * rows
                <= Kernel(x.device_index, (int)width, (int)(heads / rows), paged, queryNorm is not null, scores).AtOnce;
    }

    /// <summary>Norms and turns heads, writes to the caches, and attends.</summary>
    /// <param name="joint">[B, 1, (h + 2g)·d]: queries, keys and values.</param>
    /// <param name="cosine">[1, d/2] or [B, 1, d/2], float32.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <param name="queryNorm">[d], the weight of the queries' norm; null for no norms.</param>
    /// <param name="keyNorm">[d], likewise of the keys' norm.</param>
    /// <param name="epsilon">ε of the norms.</param>
    /// <param name="positions">The place of each sequence's token, below T, [B] or [1] (int64, on the device). They,
    /// and <paramref name="table"/>, were written before the product's input.</param>
    /// <param name="keys">[B, g, T, d]; written to.</param>
    /// <param name="values">Likewise.</param>
    /// <param name="table">Not null if the caches are pages [pages, g, P, d]: the pages of each sequence, [B, n]
    /// (int32, on the device), rows in order.</param>
    /// <param name="scores">How products become scores: a factor, or more.</param>
    /// <returns>[B, 1, h, d]</returns>
    public static Tensor Apply(Tensor joint, Tensor cosine, Tensor sine, Tensor? queryNorm, Tensor? keyNorm,
        double epsilon, Tensor positions, Tensor keys, Tensor values, Tensor? table, ScoreForm scores)
    {
        (joint, cosine, sine) = (RowKernel.Dense(joint), RowKernel.Dense(cosine), RowKernel.Dense(sine));
        var (batch, rows, width) = ((int)joint.shape[0], (int)keys.shape[1], (int)keys.shape[3]);
        var queries = (int)(joint.shape[2] / width / rows) - 2;
        var output = empty([batch, 1, rows * queries, width], joint.dtype, joint.device);
        var kernel = Kernel(joint.device_index, width, queries, table is not null, queryNorm is not null, scores.Kind)
            .Kernel;
        var cluster = kernel.Device.HasClusters ? MostCluster : 1;
        kernel.Launch((cluster, rows, batch), Threads, 0,
        [
            Aten.DataPointer(joint), joint.stride(0), Aten.DataPointer(cosine), Aten.DataPointer(sine),
            (int)(cosine.numel() / cosine.shape[^1]), Aten.Address(queryNorm), Aten.Address(keyNorm), (float)epsilon,
            Aten.DataPointer(positions), positions.shape[0] == 1 ? 0 : 1,
            Aten.Address(table), (int)(table?.stride(0) ?? 0), (int)keys.shape[2],
            Aten.DataPointer(keys), keys.stride(0), keys.stride(1),
            Aten.DataPointer(values), values.stride(0), values.stride(1),
            Aten.DataPointer(output), .. scores.Arguments,
        ], cluster, early: true);
        foreach (var tensor in new[] { joint, cosine, sine, queryNorm, keyNorm, positions, keys, values, table,
            scores.Sinks })
            GC.KeepAlive(tensor);
        return output;
    }

    private static (CudaKernel Kernel, int AtOnce) Kernel(int device, int width, int queries, bool paged,
        bool normed, ScoreKind scores) =>
        Known.GetOrAdd((device, width, queries, paged, normed, scores), static key =>
        {
            var kernel = CudaKernel.Load(key.Device, Source.Value, "token_attention",
            [
                $"WIDTH={key.Width}", $"QUERIES={key.Queries}", $"PAGED={(key.Paged ? 1 : 0)}",
                $"NORMED={(key.Normed ? 1 : 0)}", .. key.Scores.Defines,
            ]);
            return (kernel, kernel.Device.HasClusters ? kernel.ClustersAtOnce(MostCluster, Threads, 0)
                : kernel.Device.Multiprocessors);
        });
}
