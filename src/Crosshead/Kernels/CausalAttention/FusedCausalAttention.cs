using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.CausalAttention;

/// <summary>
/// softmax(Q Kᵀ · scale) V under a causal mask, on the CPU, reading and writing the layout [B, N, heads, d] that
/// projections have. Memory is linear in N. Sums are float32 whatever the type of the tensors.
/// </summary>
internal static unsafe class FusedCausalAttention
{
    /// <summary>
    /// Whether <see cref="Apply"/> takes these tensors and has enough sequences and heads to occupy all threads.
    /// </summary>
    /// <param name="query">[B, N, h, d]</param>
    /// <param name="key">[B, T, g, d], T ≥ N, g divides h.</param>
    /// <param name="value">[B, T, gv, d'], gv divides g.</param>
    public static bool Supports(Tensor query, Tensor key, Tensor value) =>
        RowKernel.SupportsOnCpu(query) && RowKernel.SupportsOnCpu(key) && RowKernel.SupportsOnCpu(value)
        && query.dtype == key.dtype && query.dtype == value.dtype
        && query.dim() == 4 && key.dim() == 4 && value.dim() == 4
        && Fits(query.shape, key.shape, value.shape);

    /// <summary>Attends: query head i reads key head i div (h/g) and value head i div (h/gv).</summary>
    /// <param name="query">[B, N, h, d]</param>
    /// <param name="key">[B, T, g, d]; query n sees keys up to T − N + n.</param>
    /// <param name="value">[B, T, gv, d']</param>
    /// <param name="scale">Factor of the scores; null for 1/√d.</param>
    /// <param name="ends">
    /// For trees of tokens in depth-first order, T = N: one past the last query that sees a key, [B, T] (int32),
    /// without gradients. Null: all queries from the key on see it.
    /// </param>
    /// <returns>[B, N, h, d']</returns>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, double? scale = null, Tensor? ends = null)
    {
        if (ends is not null && GradientNode.Needed(query, key, value))
            throw new NotSupportedException("trees of tokens have no backward pass.");
        query = RowKernel.Dense(query);
        key = RowKernel.Dense(key);
        value = RowKernel.Dense(value);
        var shape = new AttentionShape(query.shape[0], (int)query.shape[1], (int)key.shape[1],
            (int)query.shape[2], (int)key.shape[2], (int)value.shape[2], (int)query.shape[3], (int)value.shape[3]);
        var factor = (float)(scale ?? 1 / Math.Sqrt(shape.Width));
        var output = empty([shape.Batch, shape.Queries, shape.QueryHeads, shape.ValueWidth], query.dtype);
        using var logSums = empty([shape.Batch, shape.QueryHeads, shape.Queries], ScalarType.Float32);
        var context = Context(shape, factor, query, key, value, output, logSums);
        if (ends is not null) context.Ends = (int*)Aten.DataPointer(ends);
        if (query.dtype == ScalarType.BFloat16)
            CpuParallel.For(shape.Units, 1, ref context, &AttentionForward.Run<BFloat16Element>);
        else CpuParallel.For(shape.Units, 1, ref context, &AttentionForward.Run<Float32Element>);
        if (GradientNode.Needed(query, key, value))
        {
            GradientNode.Record([query, key, value], [output], [query, key, value, logSums],
                (saved, outputs) => outputs[0] is { } gradient
                    ? Backward(shape, factor, saved, RowKernel.Dense(gradient)) : [null, null, null]);
        }
        GC.KeepAlive(query);
        GC.KeepAlive(key);
        GC.KeepAlive(value);
        GC.KeepAlive(ends);
        return output;
    }

    private static Tensor?[] Backward(AttentionShape shape, float factor, Tensor[] saved, Tensor gradient)
    {
        Tensor[] results = [empty(saved[0].shape, saved[0].dtype), empty(saved[1].shape, saved[1].dtype),
            empty(saved[2].shape, saved[2].dtype)];
        var context = Context(shape, factor, saved[0], saved[1], saved[2], gradient, saved[3]);
        context.QueryGradient = (void*)Aten.DataPointer(results[0]);
        context.KeyGradient = (void*)Aten.DataPointer(results[1]);
        context.ValueGradient = (void*)Aten.DataPointer(results[2]);
        if (gradient.dtype == ScalarType.BFloat16)
            CpuParallel.For(shape.Units, 1, ref context, &AttentionBackward.Run<BFloat16Element>);
        else CpuParallel.For(shape.Units, 1, ref context, &AttentionBackward.Run<Float32Element>);
        GC.KeepAlive(gradient);
        return results;
    }

    private static AttentionContext Context(AttentionShape shape, float factor, Tensor query, Tensor key, Tensor value,
        Tensor output, Tensor logSums) => new()
        {
            Shape = shape,
            Scale = factor,
            Query = (void*)Aten.DataPointer(query),
            Key = (void*)Aten.DataPointer(key),
            Value = (void*)Aten.DataPointer(value),
            Output = (void*)Aten.DataPointer(output),
            LogSums = (float*)Aten.DataPointer(logSums),
        };

    private static bool Fits(long[] query, long[] key, long[] value) =>
        query[0] == key[0] && key[0] == value[0] && key[1] == value[1] && key[1] >= query[1] && query[1] > 0
        && query[3] == key[3] && query[3] > 0 && value[3] > 0
        && value[2] > 0 && key[2] > 0 && query[2] % key[2] == 0 && key[2] % value[2] == 0
        && query[0] * value[2] >= get_num_threads();
}
