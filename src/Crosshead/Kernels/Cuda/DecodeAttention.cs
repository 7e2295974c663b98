using System.Collections.Concurrent;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Cuda;

/// <summary>
/// One step of decoding on a CUDA device in bfloat16: softmax(q Kᵀ · scale) V for one token a sequence, reading each byte of the
/// cache once, whatever the grain of its rows (<c>decode_attention.cu</c>).
/// </summary>
internal static class DecodeAttention
{
    private const int LeastWidth = 64, MostWidth = 512, MostQueries = 64, MostSpans = 1024, MostJoinThreads = 512, ManySpans = 16;

    private static readonly Lazy<string> Source = new(() =>
    {
        using var reader = new StreamReader(typeof(DecodeAttention).Assembly.GetManifestResourceStream("Crosshead.Kernels.Cuda.decode_attention.cu")!);
        return reader.ReadToEnd();
    });

    private static readonly ConcurrentDictionary<int, bool> Usable = new();

    /// <summary>Whether <see cref="Apply"/> takes these tensors.</summary>
    /// <param name="query">[B, h, 1, w]</param>
    /// <param name="key">[B, g, T, w], g divides h.</param>
    /// <param name="value">[B, g, T, w']</param>
    /// <param name="factors">[B, G, T], G divides h; null for none.</param>
    public static bool Supports(Tensor query, Tensor key, Tensor value, Tensor? factors) =>
        query.device_type == DeviceType.CUDA && query.dtype == ScalarType.BFloat16 && key.dtype == query.dtype && value.dtype == query.dtype
        && (factors is null || factors.dtype == query.dtype && factors.stride(2) == 1)
        && query.shape[2] == 1 && IsRow(key) && IsRow(value)
        && query.shape[1] / key.shape[1] <= MostQueries
        && !(GradientNode.Needed(query, key, value))
        && Usable.GetOrAdd(query.device.index, index => Nvrtc.IsAvailable && CudaDevice.Get(index).ComputeCapability is not ("sm_50" or "sm_52" or "sm_60" or "sm_61" or "sm_70" or "sm_75"));

    /// <summary>Attends.</summary>
    /// <param name="query">[B, h, 1, w]; query head i reads row i div (h/g).</param>
    /// <param name="key">[B, g, T, w]</param>
    /// <param name="value">[B, g, T, w']</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="factors">Further factors, [B, G, T]; query head i's scores take those of row i div (h/G). Null for none.</param>
    /// <param name="begins">The first token that each sequence sees, [B] or [1] (int32); null for the first of all.</param>
    /// <returns>[B, h, 1, w']</returns>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, double scale, Tensor? factors = null, Tensor? begins = null)
    {
        var (batch, heads, rows, tokens) = ((int)query.shape[0], (int)query.shape[1], (int)key.shape[1], (int)key.shape[2]);
        var (queries, wide) = (heads / rows, (int)value.shape[3]);
        var index = query.device.index;
        var plan = DecodeAttentionPlan.For((int)key.shape[3], wide, queries, CudaDevice.Get(index).SharedMemoryPerBlock);
        var defines = plan.Defines(factors is not null);
        var kernel = CudaKernel.Load(index, Source.Value, "decode_attention", defines);
        var join = CudaKernel.Load(index, Source.Value, "join_spans", defines);

        // As many spans as give every multiprocessor its blocks, of whole tiles; one tile more where spans need not begin with one.
        var places = kernel.Device.Multiprocessors * Math.Max(1, kernel.BlocksPerMultiprocessor(DecodeAttentionPlan.Threads, plan.SharedBytes));
        var tiles = (tokens + plan.Tokens - 1) / plan.Tokens + (begins is null ? 0 : 1);
        var spans = Math.Clamp(places / (batch * rows), 1, Math.Min(MostSpans, tiles));
        var tilesOfSpan = (tiles + spans - 1) / spans;
        spans = (tiles + tilesOfSpan - 1) / tilesOfSpan;

        using var starts = begins?.expand(batch).contiguous();
        using var sums = empty([batch, rows, spans, plan.Queries, wide], ScalarType.Float32, query.device);
        using var largest = empty([batch, rows, spans, plan.Queries], ScalarType.Float32, query.device);
        using var totals = empty_like(largest);
        using var dense = query.contiguous();
        var output = empty([batch, heads, 1, wide], query.dtype, query.device);
        kernel.Launch((spans, rows, batch), DecodeAttentionPlan.Threads, plan.SharedBytes,
        [
            Aten.DataPointer(dense), Aten.DataPointer(key), Aten.DataPointer(value), factors is null ? 0 : Aten.DataPointer(factors),
            starts is null ? 0 : Aten.DataPointer(starts),
            Aten.DataPointer(sums), Aten.DataPointer(largest), Aten.DataPointer(totals),
            rows, queries, tokens, spans, tilesOfSpan,
            key.stride(0), key.stride(1), key.stride(2), value.stride(0), value.stride(1), value.stride(2),
            factors is null ? 1 : (int)factors.shape[1], factors?.stride(0) ?? 0L, factors?.stride(1) ?? 0L,
            (float)(scale / Math.Log(2)),
        ]);
        // Many spans are shared out among many threads, few are not worth it.
        var columns = spans >= ManySpans ? 64 : (wide + 127) / 128 * 128;
        var groups = Math.Min(Math.Max(1, spans / 8), MostJoinThreads / (columns / 4));
        join.Launch((queries, batch * rows, (wide + columns - 1) / columns), groups * (columns / 4), 0,
            [Aten.DataPointer(sums), Aten.DataPointer(largest), Aten.DataPointer(totals), Aten.DataPointer(output), spans, queries, columns]);
        foreach (var tensor in new[] { key, value, factors }) GC.KeepAlive(tensor);
        return output;
    }

    // Rows of whole multiples of 16 elements, in order, each on 32 bytes.
    private static bool IsRow(Tensor rows) =>
        rows.shape[3] is >= LeastWidth and <= MostWidth && rows.shape[3] % 16 == 0 && rows.stride(3) == 1
        && rows.stride(0) % 16 == 0 && rows.stride(1) % 16 == 0 && rows.stride(2) % 16 == 0;
}
