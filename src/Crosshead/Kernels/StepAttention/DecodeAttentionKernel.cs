using System.Collections.Concurrent;
using Crosshead.Kernels.Common;
using Crosshead.Runtime.Cuda;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// The decode kernel for given widths on a device. It is found once, so that a step needs neither compiler nor driver.
/// </summary>
internal sealed class DecodeAttentionKernel
{
    private const int MostSpans = 1024, MostCluster = 8;

    private static readonly ConcurrentDictionary<(int Device, int KeyWidth, int ValueWidth, int Queries, int Factors,
        RowsOfPass Of, int Kind), DecodeAttentionPlan?> Plans = new();

    private static readonly ConcurrentDictionary<(int Device, int KeyWidth, int ValueWidth, int Queries, int Factors,
        bool Paged, RowsOfPass Of, int Kind, ScoreKind Scores), DecodeAttentionKernel> Known = new();

    private readonly int _places;     // blocks that the device runs at once
    private readonly int[] _clusters; // clusters of [size] blocks that it runs at once

    private DecodeAttentionKernel(DecodeAttentionPlan plan, CudaKernel attend, CudaKernel join)
    {
        (Plan, Attend, Join) = (plan, attend, join);
        _places = attend.Device.Multiprocessors * Math.Max(1,
            attend.BlocksPerMultiprocessor(plan.Threads, plan.SharedBytes));
        _clusters = [.. Enumerable.Range(0, MostCluster + 1).Select(size => size > 1 && attend.Device.HasClusters
            ? attend.ClustersAtOnce(size, plan.Threads, plan.SharedBytes) : 0)];
    }

    /// <summary>How it was compiled.</summary>
    public DecodeAttentionPlan Plan { get; }

    /// <summary>The kernel over spans.</summary>
    public CudaKernel Attend { get; }

    /// <summary>The kernel that joins them.</summary>
    public CudaKernel Join { get; }

    /// <summary>Whether the device has room for these widths.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="keyWidth">Width of a key row.</param>
    /// <param name="valueWidth">Width of a value row.</param>
    /// <param name="queries">Queries per row.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="kind">Type of the cache: 0 for bfloat16, or <see cref="CacheScales.KindOf"/>.</param>
    /// <exception cref="CrossheadException">The device is not available.</exception>
    public static bool Fits(int device, int keyWidth, int valueWidth, int queries, int factors, int kind = 0) =>
        PlanOf(device, keyWidth, valueWidth, queries, factors, kind: kind) is not null;

    /// <summary>Most tokens of a piece that a block takes for these widths; 0 if not even one fits.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="keyWidth">Width of a key row.</param>
    /// <param name="valueWidth">Width of a value row.</param>
    /// <param name="queries">Queries per row.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="kind">Type of the cache: 0 for bfloat16, or <see cref="CacheScales.KindOf"/>.</param>
    /// <exception cref="CrossheadException">The device is not available.</exception>
    public static int PieceTokens(int device, int keyWidth, int valueWidth, int queries, int factors, int kind) =>
        PlanOf(device, keyWidth, valueWidth, queries, factors, RowsOfPass.Pieces, kind)?.PieceTokens ?? 0;

    /// <summary>Whether there is a kernel for these widths whose blocks have shares of a pass.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="keyWidth">Width of a key row.</param>
    /// <param name="valueWidth">Width of a value row.</param>
    /// <param name="queries">Queries per row.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <exception cref="CrossheadException">The device is not available.</exception>
    public static bool TakesShares(int device, int keyWidth, int valueWidth, int queries, int factors) =>
        PlanOf(device, keyWidth, valueWidth, queries, factors, RowsOfPass.Shares) is not null;

    /// <summary>The kernel for widths that <see cref="Fits">fit</see>; compiled on the first call.</summary>
    /// <param name="device">Number of the device, as in <c>cuda:n</c>.</param>
    /// <param name="keyWidth">Width of a key row.</param>
    /// <param name="valueWidth">Width of a value row.</param>
    /// <param name="queries">Queries per row.</param>
    /// <param name="factors">Rows of factors that a row's queries have; 0 for none.</param>
    /// <param name="paged">Whether the cache lies in pages.</param>
    /// <param name="of">How blocks find their rows.</param>
    /// <param name="kind">Type of the cache: 0 for bfloat16, or <see cref="CacheScales.KindOf"/>.</param>
    /// <param name="scores">What scores there are.</param>
    /// <exception cref="CrossheadException">The source does not compile, or the device is not available.</exception>
    public static DecodeAttentionKernel For(int device, int keyWidth, int valueWidth, int queries,
        int factors, bool paged, RowsOfPass of = RowsOfPass.Grid, int kind = 0, ScoreKind scores = default) =>
        Known.GetOrAdd((device, keyWidth, valueWidth, queries, factors, paged, of, kind, scores), static key =>
        {
            var plan = PlanOf(key.Device, key.KeyWidth, key.ValueWidth, key.Queries, key.Factors, key.Of,
                key.Kind)!;
            var source = KernelText.Read(["bfloat16.cuh", "tensor_cores.cuh", "launches.cuh", "clusters.cuh",
                "scores.cuh", "spans.cuh", "tiles.cuh", "pieces.cuh", .. plan.Sources, "join_clusters.cu"]);
            string[] defines = [.. plan.Defines(key.Paged), .. key.Scores.Defines];
            CudaKernel Load(string name) => CudaKernel.Load(key.Device, source, name, defines);
            return new DecodeAttentionKernel(plan, Load("decode_attention"), Load("join_clusters"));
        });

    /// <summary>
    /// The number of spans per sequence, and of spans per cluster. There are enough spans to give every multiprocessor
    /// its blocks. They form one cluster if it fits, so that no join is needed. Larger clusters of many spans would
    /// leave multiprocessors idle (measured: docs/research-log.md).
    /// </summary>
    /// <param name="sequences">Sequences, times the rows of each.</param>
    /// <param name="tokens">Tokens that a sequence has room for.</param>
    public (int Spans, int Cluster) Cut(int sequences, int tokens)
    {
        var tiles = (tokens + Plan.Tokens - 1) / Plan.Tokens;
        var spans = Math.Clamp(_places / sequences, 1, Math.Min(MostSpans, tiles));
        // a second tile costs less than a join
        if (tiles <= 2 * MostCluster && sequences <= _clusters[MostCluster]) spans = Math.Min(spans, MostCluster);
        return (spans, spans <= MostCluster && sequences <= _clusters[spans] ? spans : 1);
    }

    private static DecodeAttentionPlan? PlanOf(int device, int keyWidth, int valueWidth, int queries, int factors,
        RowsOfPass of = RowsOfPass.Grid, int kind = 0) =>
        Plans.GetOrAdd((device, keyWidth, valueWidth, queries, factors, of, kind), static key =>
        {
            var device = CudaDevice.Get(key.Device);
            var (shared, warpgroups) = (device.SharedMemoryPerBlock, device.HasWarpgroups);
            if (key.Kind > 0)
                return DecodeAttentionPlan.ForScaled(key.KeyWidth, key.ValueWidth, key.Queries, key.Factors, key.Of,
                    key.Kind, shared);
            return key.Of switch
            {
                RowsOfPass.Pieces => DecodeAttentionPlan.ForPieces(key.KeyWidth, key.ValueWidth, key.Queries,
                    key.Factors, shared),
                RowsOfPass.Shares => DecodeAttentionPlan.ForShares(key.KeyWidth, key.ValueWidth, key.Queries,
                    key.Factors, shared, warpgroups),
                _ => DecodeAttentionPlan.For(key.KeyWidth, key.ValueWidth, key.Queries, key.Factors, shared,
                    warpgroups),
            };
        });
}
