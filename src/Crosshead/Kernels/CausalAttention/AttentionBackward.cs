using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;

namespace Crosshead.Kernels.CausalAttention;

/// <summary>
/// The backward loop of <see cref="FusedCausalAttention"/>. With weights P, scores S and O = P V:
/// ∂V = Pᵀ ∂O, ∂P = ∂O Vᵀ, ∂S = P ∘ (∂P − Σ P∘∂P), ∂Q = ∂S K · scale, ∂K = ∂Sᵀ Q · scale. P is computed again.
/// </summary>
internal static unsafe class AttentionBackward
{
    /// <summary>Units <paramref name="begin"/> … of the call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<T>(AttentionContext* context, long begin, long end) where T : unmanaged, IElement<T>
    {
        var shape = context->Shape;
        var scratch = new Scratch(shape);
        for (var unit = begin; unit < end; unit++)
        {
            var (batch, valueHead) = (unit / shape.ValueHeads, (int)(unit % shape.ValueHeads));
            var valueStride = shape.ValueHeads * shape.ValueWidth;
            var valueStart = batch * shape.Keys * valueStride + valueHead * shape.ValueWidth;
            AttentionPacking.TransposedPanels((T*)context->Value + valueStart, valueStride, shape.Keys,
                shape.ValueWidth, scratch.Values);
            NativeMemory.Clear(scratch.ValueGradient,
                (nuint)shape.PaddedKeys * (nuint)shape.PaddedValueWidth * sizeof(float));
            for (var keyHead = valueHead * shape.KeysPerValue;
                keyHead < (valueHead + 1) * shape.KeysPerValue; keyHead++)
            {
                var keyStride = shape.KeyHeads * shape.Width;
                var keyStart = batch * shape.Keys * keyStride + keyHead * shape.Width;
                AttentionPacking.TransposedPanels((T*)context->Key + keyStart, keyStride, shape.Keys, shape.Width,
                    scratch.TransposedKeys);
                AttentionPacking.Panels((T*)context->Key + keyStart, keyStride, shape.Keys, shape.Width,
                    shape.PaddedWidth, scratch.Keys);
                NativeMemory.Clear(scratch.KeyGradient,
                    (nuint)shape.PaddedKeys * (nuint)shape.PaddedWidth * sizeof(float));
                for (var head = keyHead * shape.QueriesPerKey; head < (keyHead + 1) * shape.QueriesPerKey; head++)
                {
                    for (var first = 0; first < shape.Queries; first += AttentionShape.Stripe)
                        Stripe<T>(context, batch, head, first, scratch);
                }
                AttentionPacking.Store(scratch.KeyGradient, shape.PaddedWidth, shape.Keys, shape.Width, 1,
                    (T*)context->KeyGradient + keyStart, keyStride);
            }
            AttentionPacking.Store(scratch.ValueGradient, shape.PaddedValueWidth, shape.Keys, shape.ValueWidth, 1,
                (T*)context->ValueGradient + valueStart, valueStride);
        }
        NativeMemory.AlignedFree(scratch.Start);
    }

    private static void Stripe<T>(AttentionContext* context, long batch, int head, int first, in Scratch scratch)
        where T : unmanaged, IElement<T>
    {
        var shape = context->Shape;
        var rows = Math.Min(AttentionShape.Stripe, shape.Queries - first);
        var (queryStride, outputStride) = (shape.QueryHeads * shape.Width, shape.QueryHeads * shape.ValueWidth);
        var queryStart = (batch * shape.Queries + first) * queryStride + head * shape.Width;

        AttentionPacking.Rows((T*)context->Query + queryStart, queryStride, rows, shape.Width, shape.PaddedWidth,
            context->Scale, scratch.Query);
        AttentionPacking.Rows((T*)context->Output + (batch * shape.Queries + first) * outputStride
            + head * shape.ValueWidth, outputStride,
            rows, shape.ValueWidth, shape.PaddedValueWidth, 1, scratch.OutputGradient);
        AttentionForward.Scores(shape, first, scratch.Query, shape.PaddedWidth, scratch.TransposedKeys, shape.Width,
            scratch.Weights);
        AttentionForward.Scores(shape, first, scratch.OutputGradient, shape.PaddedValueWidth, scratch.Values,
            shape.ValueWidth, scratch.ScoreGradients);
        var logSums = context->LogSums + (batch * shape.QueryHeads + head) * shape.Queries + first;
        var limit = shape.SeenBy(first, AttentionShape.Stripe);
        for (var row = 0; row < AttentionShape.Stripe; row++)
        {
            SoftmaxGradient(scratch.Weights + (long)row * shape.PaddedKeys,
                scratch.ScoreGradients + (long)row * shape.PaddedKeys,
                shape.Seen(first + row), limit, row < rows ? logSums[row] : 0);
        }

        AttentionForward.WeightedSum(shape, first, scratch.ScoreGradients, scratch.Keys, shape.PaddedWidth,
            scratch.QueryGradient);
        AttentionPacking.Store(scratch.QueryGradient, shape.PaddedWidth, rows, shape.Width, context->Scale,
            (T*)context->QueryGradient + queryStart, queryStride);
        AddTransposed(shape, limit, scratch.Weights, scratch.OutputGradient, shape.PaddedValueWidth,
            scratch.ValueGradient);
        AddTransposed(shape, limit, scratch.ScoreGradients, scratch.Query, shape.PaddedWidth, scratch.KeyGradient);
    }

    // weights: scores → P; gradients: ∂P → ∂S; both 0 from `seen` up to the vector that holds `limit`.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftmaxGradient(float* weights, float* gradients, int seen, int limit, float logSum)
    {
        var shift = Vector512.Create(logSum);
        var dots = Vector512<float>.Zero;
        for (var i = 0; i < seen; i += Lanes.Count)
        {
            var weight = Lanes.Exp(Lanes.Load((Float32Element*)weights, i, seen, float.NegativeInfinity) - shift);
            weight.Store(weights + i);
            dots = Vector512.FusedMultiplyAdd(weight, Lanes.Load((Float32Element*)gradients, i, seen), dots);
        }
        var dot = Vector512.Create(Vector512.Sum(dots));
        var at = 0;
        for (; at < seen; at += Lanes.Count)
            (Vector512.Load(weights + at) * (Lanes.Load((Float32Element*)gradients, at, seen) - dot))
                .Store(gradients + at);
        for (; at < limit; at += Lanes.Count)
        {
            Vector512<float>.Zero.Store(weights + at);
            Vector512<float>.Zero.Store(gradients + at);
        }
    }

    // target [keys, width] += weights [16, keys]ᵀ · rows [16, width]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTransposed(in AttentionShape shape, int limit, float* weights, float* rows,
        int paddedWidth, float* target)
    {
        for (var key = 0; key < limit; key += MatrixTile.Rows)
        {
            for (var column = 0; column < paddedWidth; column += MatrixTile.PanelWidth)
            {
                MatrixTile.Multiply(weights + key, 1, shape.PaddedKeys, rows + column, paddedWidth,
                    AttentionShape.Stripe, target + (long)key * paddedWidth + column, paddedWidth,
                    Math.Min(MatrixTile.PanelWidth, paddedWidth - column), add: true);
            }
        }
    }

    private readonly struct Scratch
    {
        public readonly float* Start, TransposedKeys, Keys, Values, KeyGradient, ValueGradient, Weights, ScoreGradients,
        Query, QueryGradient, OutputGradient;

        public Scratch(AttentionShape shape)
        {
            long keys = shape.PaddedKeys, width = shape.PaddedWidth, valueWidth = shape.PaddedValueWidth,
            stripe = AttentionShape.Stripe;
            Start = (float*)NativeMemory.AlignedAlloc((nuint)(keys * (3 * width + 2 * valueWidth)
                + stripe * (2 * keys + 2 * width + valueWidth)) * sizeof(float), 64);
            TransposedKeys = Start;
            Keys = TransposedKeys + keys * width;
            KeyGradient = Keys + keys * width;
            Values = KeyGradient + keys * width;
            ValueGradient = Values + keys * valueWidth;
            Weights = ValueGradient + keys * valueWidth;
            ScoreGradients = Weights + stripe * keys;
            Query = ScoreGradients + stripe * keys;
            QueryGradient = Query + stripe * width;
            OutputGradient = QueryGradient + stripe * width;
        }
    }
}
