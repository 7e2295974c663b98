using Crosshead.Attention.Caches;
using Crosshead.Kernels.CausalAttention;
using Crosshead.Kernels.StepAttention;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>softmax(Q Kᵀ · scale) V, by the fastest kernel that the shapes and the device allow.</summary>
public static class SoftmaxAttention
{
    private const long UsualWidth = 128; // of a head

    private const long MostScores = 1 << 26; // at once

    /// <summary>Attends within the tokens of one call, in the layout that projections have.</summary>
    /// <param name="query">[B, N, h, w]</param>
    /// <param name="key">[B, N, g, w]; query head i reads head i div (h/g).</param>
    /// <param name="value">[B, N, gv, w'], gv divides g; query head i reads head i div (h/gv).</param>
    /// <param name="view">What may be seen.</param>
    /// <param name="scale">Factor of the scores, 1/√d.</param>
    /// <param name="cap">Cap of the scores; null for none.</param>
    /// <param name="sinks">A further score of each head that has no value, [h]; null for none.</param>
    /// <returns>[B, N, h, w']</returns>
    public static Tensor AttendWithin(Tensor query, Tensor key, Tensor value, TokenView view, double scale,
        double? cap = null, Tensor? sinks = null)
    {
        if (cap is null && sinks is null && (view.Ends is not null || view is { Causal: true, Mask: null })
            && FusedCausalAttention.Supports(query, key, value))
            return FusedCausalAttention.Apply(query, key, value, scale, view.Ends);
        var (width, wide) = (key.shape[3], value.shape[3]);
        (query, key, value) = (query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2));
        if (wide > width && sinks is null)
        {
            // Zeros widen queries and keys to the values' width, which flash kernels ask for.
            (query, key) = (nn.functional.pad(query, [0, wide - width]), nn.functional.pad(key, [0, wide - width]));
        }
        return Attend(query, key, value, view, scale, cap: cap, sinks: sinks).transpose(1, 2);
    }

    /// <summary>Attends to all tokens of a cache by libtorch's own operator, to compare with.</summary>
    /// <param name="query">[B, h, N, w]</param>
    /// <param name="key">[B, g, T, w]; query head i reads head i div (h/g).</param>
    /// <param name="value">[B, g, T, w']</param>
    /// <param name="scale">Factor of the scores, 1/√d.</param>
    /// <returns>[B, h, N, w']</returns>
    public static Tensor AttendByLibTorch(Tensor query, Tensor key, Tensor value, double scale) =>
        Aten.ScaledDotProductAttention(query, key, value, null, causal: false, scale);

    /// <summary>Attends to tokens of a cache.</summary>
    /// <param name="query">[B, h, N, w]</param>
    /// <param name="key">[B, g, T, w]; query head i reads head i div (h/g).</param>
    /// <param name="value">[B, gv, T, w'], gv divides g; query head i reads head i div (h/gv).</param>
    /// <param name="view">What may be seen.</param>
    /// <param name="scale">Factor of the scores, 1/√d.</param>
    /// <param name="keyFactors">
    /// Further factors of the scores, [B, G, T]; query head i's scores take those of row i div (h/G). Null for none.
    /// </param>
    /// <param name="table">
    /// Not null if keys, values and factors are pages [pages, ·, P, ·]: the pages of each sequence [B, n].
    /// </param>
    /// <param name="cap">Cap of the scores; null for none.</param>
    /// <param name="sinks">A further score of each head that has no value, [h]; null for none.</param>
    /// <returns>[B, h, N, w']</returns>
    public static Tensor Attend(Tensor query, Tensor key, Tensor value, TokenView view, double scale,
        Tensor? keyFactors = null, Tensor? table = null, double? cap = null, Tensor? sinks = null) =>
        Attend(query, key, value, view, scale, keyFactors, table, cap, sinks, null);

    /// <summary>The same of a cache whose numbers may be multiples of scales.</summary>
    internal static Tensor Attend(Tensor query, Tensor key, Tensor value, TokenView view, double scale,
        Tensor? keyFactors, Tensor? table, double? cap, Tensor? sinks, CacheScales? scales)
    {
        var plain = cap is null && sinks is null; // no kernel of libtorch caps scores or knows sinks
        var scores = new ScoreForm(scale, cap, sinks);
        if (table is not null || scales is not null)
        {
            if (view.IsRange && DecodeAttention.Supports(query, key, value, keyFactors, scales))
                return table is null
                    ? DecodeAttention.Apply(query, key, value, scores, keyFactors, view.Begins, view.Length, scales)
                    : DecodeAttention.ApplyPaged(query, key, value, table, scores, keyFactors,
                        view.Begins, view.Length, view.Pieces, scales);
            var gathered = new KeptTokens(query, key, value, keyFactors, table, scales)
                .Gathered(view.Place.Total(query.shape[2]));
            (key, value, keyFactors) = (gathered.Keys, gathered.Values, gathered.KeyFactors);
            if (plain && table is not null && keyFactors is null && IsEfficient(query, key, value))
                return AttendEfficiently(query, key, value, view, scale);
        }
        // libtorch's own kernel is a tenth faster for usual heads that are seen from the first token on.
        var usual = plain && view.Begins is null && view.Length is null && keyFactors is null
            && key.shape[1] == value.shape[1] && key.shape[3] == value.shape[3] && key.shape[3] <= UsualWidth;
        if (view.IsRange && !usual && DecodeAttention.Supports(query, key, value, keyFactors))
            return DecodeAttention.Apply(query, key, value, scores, keyFactors, view.Begins, view.Length);
        value = Repeat(value, key.shape[1] / value.shape[1]); // no other kernel knows value heads that key heads share
        if (keyFactors is not null || !plain)
            return AttendByScores(query, key, value, view, scale, keyFactors, cap, sinks);
        var (batch, heads, count, width) = (query.shape[0], query.shape[1], query.shape[2], query.shape[3]);
        var groups = key.shape[1];
        if (heads == groups)
            return Aten.ScaledDotProductAttention(query, key, value, view.Mask, view.Causal, scale);

        // One query a head: the heads of a group are queries of one head, and nothing is repeated. CUDA
        // has a grouped kernel for bfloat16.
        if (count == 1 && view.Mask is null
            && !(query.device_type == DeviceType.CUDA && query.dtype == ScalarType.BFloat16))
        {
            var grouped = query.reshape(batch, groups, heads / groups, width); // [B,g,h/g,w]
            return Aten.ScaledDotProductAttention(grouped, key, value, null, causal: false, scale)
                .reshape(batch, heads, 1, value.shape[3]);
        }

        // The CPU has no grouped kernel: it would fall back to the one that keeps all scores.
        if (query.device_type == DeviceType.CPU)
            (key, value) = (Repeat(key, heads / groups), Repeat(value, heads / groups));
        return Aten.ScaledDotProductAttention(query, key, value, view.Mask, view.Causal, scale);
    }

    private static bool IsEfficient(Tensor query, Tensor key, Tensor value) =>
        query.device_type == DeviceType.CUDA && query.dtype is ScalarType.BFloat16 or ScalarType.Float16
        && key.shape[3] % 8 == 0 && value.shape[3] % 8 == 0;

    // Pieces of prompts have ever new lengths.
    private static Tensor AttendEfficiently(Tensor query, Tensor key, Tensor value, TokenView view, double scale)
    {
        var (heads, count, seen) = (query.shape[1], query.shape[2], key.shape[2]);
        (key, value) = (Repeat(key, heads / key.shape[1]), Repeat(value, heads / value.shape[1]));
        if (view.Mask is not { } mask) return Aten.EfficientAttention(query, key, value, null, view.Causal, scale);
        // rows that begin at multiples of 8 elements; of each sequence where sequences see different tokens
        var sequences = mask.dim() == 4 ? mask.shape[0] : 1;
        var bias = zeros([sequences, 1, count, (seen + 7) / 8 * 8], query.dtype, query.device).narrow(3, 0, seen);
        using Scalar never = double.NegativeInfinity; // named, so that it is not collected while native code reads it
        bias.masked_fill_(mask.logical_not(), never);
        return Aten.EfficientAttention(query, key, value,
            bias.expand(query.shape[0], heads, count, seen), false, scale);
    }

    // No flash kernel multiplies scores by a factor a key and head, caps them or knows sinks. The scores of some
    // queries at a time exist at once.
    private static Tensor AttendByScores(Tensor query, Tensor key, Tensor value, TokenView view, double scale,
        Tensor? keyFactors, double? cap, Tensor? sinks)
    {
        var (heads, count, seen) = (query.shape[1], query.shape[2], key.shape[2]);
        var keys = Repeat(key, heads / key.shape[1]).transpose(2, 3);
        var values = Repeat(value, heads / value.shape[1]);
        var factors = keyFactors?.repeat_interleave(heads / keyFactors.shape[1], 1).unsqueeze(2);  // [B,h,1,T]
        var unseen = view.Mask?.logical_not()
            ?? (view.Causal ? ones([count, seen], ScalarType.Bool, query.device).triu(1) : null);
        // named, so that they are not collected while native code reads them
        using Scalar factor = scale, never = double.NegativeInfinity, most = cap ?? 1;
        Tensor Some(long start, long length)
        {
            var scores = query.narrow(2, start, length).matmul(keys).mul(factor);                  // [B,h,n,T]
            if (factors is not null) scores = scores * factors;
            if (cap is not null) scores = scores.div(most).tanh().mul(most);
            if (unseen is not null) scores = scores.masked_fill(
                unseen.shape[^2] == 1 ? unseen : unseen.narrow(-2, start, length), never);
            return Weights(scores, sinks).matmul(values);                                          // [B,h,n,w']
        }
        var together = Math.Max(1, MostScores / (query.shape[0] * heads * seen));
        if (together >= count) return Some(0, count);
        var parts = new List<Tensor>();
        for (var start = 0L; start < count; start += together)
            parts.Add(Some(start, Math.Min(together, count - start)));
        return cat(parts, 2);
    }

    // The softmax of scores [B,h,n,T]. A sink is one more score of its head, whose weight is left out.
    private static Tensor Weights(Tensor scores, Tensor? sinks)
    {
        if (sinks is null) return scores.softmax(-1);
        var type = scores.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var more = sinks.to(type).view(1, -1, 1, 1).expand(scores.shape[0], -1, scores.shape[2], 1);
        return cat([scores.to(type), more], -1).softmax(-1).narrow(-1, 0, scores.shape[3]).to(scores.dtype);
    }

    /// <summary>Repeats each head for the query heads of its group: [B, g, T, w] → [B, g·times, T, w].</summary>
    public static Tensor Repeat(Tensor heads, long times)
    {
        if (times == 1) return heads;
        var (batch, groups, length, width) = (heads.shape[0], heads.shape[1], heads.shape[2], heads.shape[3]);
        return heads.unsqueeze(2).expand(batch, groups, times, length, width)
            .reshape(batch, groups * times, length, width);
    }
}
