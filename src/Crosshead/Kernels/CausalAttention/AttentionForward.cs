using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;

namespace Crosshead.Kernels.CausalAttention;

/// <summary>
/// The forward loop of <see cref="FusedCausalAttention"/>: for sixteen queries at a time, all their scores, their
/// softmax, and the weighted sum of the values, on scratch memory that stays in the second-level cache.
/// </summary>
internal static unsafe class AttentionForward
{
    /// <summary>Units <paramref name="begin"/> … of the call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<T>(AttentionContext* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var shape = context->Shape;
        var keys = (long)shape.PaddedKeys * shape.Width;
        var values = (long)shape.Keys * shape.PaddedValueWidth;
        var scores = (long)AttentionShape.Stripe * shape.PaddedKeys;
        var query = (long)AttentionShape.Stripe * shape.PaddedWidth;
        var output = (long)AttentionShape.Stripe * shape.PaddedValueWidth;
        var scratch = (float*)NativeMemory.AlignedAlloc(
            (nuint)(keys + values + scores + query + output) * sizeof(float), 64);
        for (var unit = begin; unit < end; unit++)
        {
            var (batch, valueHead) = (unit / shape.ValueHeads, (int)(unit % shape.ValueHeads));
            var valueStride = shape.ValueHeads * shape.ValueWidth;
            AttentionPacking.Panels(
                (T*)context->Value + batch * shape.Keys * valueStride + valueHead * shape.ValueWidth, valueStride,
                shape.Keys, shape.ValueWidth, shape.PaddedValueWidth, scratch + keys);
            for (var keyHead = valueHead * shape.KeysPerValue;
                keyHead < (valueHead + 1) * shape.KeysPerValue; keyHead++)
            {
                var keyStride = shape.KeyHeads * shape.Width;
                AttentionPacking.TransposedPanels(
                    (T*)context->Key + batch * shape.Keys * keyStride + keyHead * shape.Width, keyStride,
                    shape.Keys, shape.Width, scratch);
                for (var head = keyHead * shape.QueriesPerKey; head < (keyHead + 1) * shape.QueriesPerKey; head++)
                {
                    for (var first = 0; first < shape.Queries; first += AttentionShape.Stripe)
                        Stripe<T>(context, batch, head, first, scratch, scratch + keys, scratch + keys + values);
                }
            }
        }
        NativeMemory.AlignedFree(scratch);
    }

    /// <summary>Scores [16, keys] of a stripe of scaled queries, as far as its tiles see.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores(in AttentionShape shape, int first, float* left, int leftStride, float* panels,
        int depth, float* scores)
    {
        for (var key = 0; key < shape.SeenBy(first, AttentionShape.Stripe); key += MatrixTile.PanelWidth,
            panels += (long)depth * MatrixTile.PanelWidth)
        {
            for (var tile = 0; tile < AttentionShape.Stripe; tile += MatrixTile.Rows)
            {
                if (key < shape.SeenBy(first + tile, MatrixTile.Rows))
                    MatrixTile.Multiply(left + tile * leftStride, leftStride, 1, panels, MatrixTile.PanelWidth, depth,
                        scores + tile * shape.PaddedKeys + key, shape.PaddedKeys, MatrixTile.PanelWidth, add: false);
            }
        }
    }

    /// <summary>target [16, width] = weights [16, keys] · panels, each tile over the keys that it sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightedSum(in AttentionShape shape, int first, float* weights, float* panels,
        int paddedWidth, float* target)
    {
        for (var column = 0; column < paddedWidth; column += MatrixTile.PanelWidth)
        {
            var panelWidth = Math.Min(MatrixTile.PanelWidth, paddedWidth - column);
            for (var tile = 0; tile < AttentionShape.Stripe; tile += MatrixTile.Rows)
            {
                MatrixTile.Multiply(weights + tile * shape.PaddedKeys, shape.PaddedKeys, 1, panels, panelWidth,
                    shape.SeenBy(first + tile, MatrixTile.Rows),
                    target + tile * paddedWidth + column, paddedWidth, panelWidth, add: false);
            }
            panels += (long)shape.Keys * panelWidth;
        }
    }

    private static void Stripe<T>(AttentionContext* context, long batch, int head, int first, float* keys,
        float* values, float* scores) where T : unmanaged, IElement<T>
    {
        var shape = context->Shape;
        var query = scores + (long)AttentionShape.Stripe * shape.PaddedKeys;
        var output = query + (long)AttentionShape.Stripe * shape.PaddedWidth;
        var rows = Math.Min(AttentionShape.Stripe, shape.Queries - first);
        var (queryStride, outputStride) = (shape.QueryHeads * shape.Width, shape.QueryHeads * shape.ValueWidth);

        AttentionPacking.Rows(
            (T*)context->Query + (batch * shape.Queries + first) * queryStride + head * shape.Width, queryStride,
            rows, shape.Width, shape.PaddedWidth, context->Scale, query);
        Scores(shape, first, query, shape.PaddedWidth, keys, shape.Width, scores);
        var logSums = context->LogSums + (batch * shape.QueryHeads + head) * shape.Queries + first;
        var factors = stackalloc float[AttentionShape.Stripe];
        for (var row = 0; row < AttentionShape.Stripe; row++)
        {
            var limit = shape.SeenBy(first + row / MatrixTile.Rows * MatrixTile.Rows, MatrixTile.Rows);
            var seen = shape.Seen(first + row);
            if (context->Ends != null)
                Hide(scores + (long)row * shape.PaddedKeys, context->Ends + batch * shape.Keys, seen, first + row);
            var sum = Softmax(scores + (long)row * shape.PaddedKeys, seen, limit, out var largest);
            if (row >= rows) continue;
            factors[row] = 1 / sum;
            logSums[row] = largest + MathF.Log(sum);
        }
        WeightedSum(shape, first, scores, values, shape.PaddedValueWidth, output);
        var target = (T*)context->Output + (batch * shape.Queries + first) * outputStride + head * shape.ValueWidth;
        for (var row = 0; row < rows; row++)
            AttentionPacking.Store(output + row * shape.PaddedValueWidth, shape.PaddedValueWidth, 1, shape.ValueWidth,
                factors[row], target + row * outputStride, outputStride);
    }

    // −∞ for the keys whose descendants the query is not among.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Hide(float* scores, int* ends, int seen, int query)
    {
        var at = Vector512.Create(query);
        var never = Vector512.Create(float.NegativeInfinity);
        var key = 0;
        for (; key <= seen - Lanes.Count; key += Lanes.Count)
            Vector512.ConditionalSelect(Vector512.GreaterThan(Vector512.Load(ends + key), at).AsSingle(),
                Vector512.Load(scores + key), never).Store(scores + key);
        for (; key < seen; key++)
            if (ends[key] <= query) scores[key] = float.NegativeInfinity;
    }

    // e^(x − max) of the first `seen` scores, 0 for the rest up to `limit`; the sum of the first.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Softmax(float* scores, int seen, int limit, out float largest)
    {
        var maxima = Vector512.Create(float.NegativeInfinity);
        for (var i = 0; i < seen; i += Lanes.Count)
            maxima = Vector512.Max(maxima, Lanes.Load((Float32Element*)scores, i, seen, float.NegativeInfinity));
        largest = Lanes.Max(maxima);
        var shift = Vector512.Create(largest);
        var sum = Vector512<float>.Zero;
        var at = 0;
        for (; at < seen; at += Lanes.Count)
        {
            var weights = Lanes.Exp(Lanes.Load((Float32Element*)scores, at, seen, float.NegativeInfinity) - shift);
            weights.Store(scores + at); // the row is padded to whole vectors
            sum += weights;
        }
        for (; at < limit; at += Lanes.Count) Vector512<float>.Zero.Store(scores + at);
        return Vector512.Sum(sum);
    }
}
