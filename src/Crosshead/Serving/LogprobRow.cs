using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Crosshead.Decoding;
using Crosshead.Generation;

namespace Crosshead.Serving;

/// <summary>Log-probabilities of one position, from its logits.</summary>
internal static class LogprobRow
{
    private const int Block = 1024; // values added in float32 before they are added in float64

    /// <summary>The log-probability of a token, and the likeliest tokens.</summary>
    /// <param name="decoder">The decoder that computed the logits.</param>
    /// <param name="row">Their row in its last pass.</param>
    /// <param name="id">The token.</param>
    /// <param name="top">Number of likeliest tokens; of equal ones the lowest come first.</param>
    /// <exception cref="CrossheadException">The largest logit is not a finite number.</exception>
    public static TokenLogprob Of(IDecoder decoder, int row, int id, int top) =>
        decoder.Largest(row) is { } largest && Of(largest, id, top) is { } found ? found
            : Of(decoder.Logits(row), id, top);

    // Null if smaller logits matter.
    private static TokenLogprob? Of(LargestLogits largest, int id, int top)
    {
        var ids = largest.Ids.Span;
        var logits = largest.Logits.Span;
        Sampler.Take((ids[0], logits[0]));
        var own = ids.IndexOf(id);
        if (own < 0 || top >= ids.Length || (top > 0 && logits[top - 1] == logits[^1])) return null;
        var best = new (int Id, float Logprob)[ids.Length];
        for (var i = 0; i < best.Length; i++) best[i] = (ids[i], Log(logits[i], largest.LogSumExp));
        Array.Sort(best, static (a, b) => a.Logprob != b.Logprob ? b.Logprob.CompareTo(a.Logprob)
            : a.Id.CompareTo(b.Id));
        return new TokenLogprob(id, Log(logits[own], largest.LogSumExp), best[..top]);
    }

    /// <summary>The log-probability of a token, and the likeliest tokens.</summary>
    /// <param name="logits">One for each token of the vocabulary.</param>
    /// <param name="id">The token.</param>
    /// <param name="top">Number of likeliest tokens; of equal ones the lowest come first.</param>
    /// <exception cref="CrossheadException">The largest logit is not a finite number.</exception>
    public static TokenLogprob Of(ReadOnlySpan<float> logits, int id, int top)
    {
        var sum = LogSumExp(logits);
        var best = new (int Id, float Logprob)[Math.Min(top, logits.Length)];
        var count = 0;
        for (var i = 0; i < logits.Length && best.Length > 0; i++)
        {
            if (count == best.Length && !(logits[i] > best[^1].Logprob)) continue;
            var at = count < best.Length ? count++ : count - 1;
            for (; at > 0 && logits[i] > best[at - 1].Logprob; at--) best[at] = best[at - 1];
            best[at] = (i, logits[i]);
        }
        for (var i = 0; i < best.Length; i++) best[i].Logprob = Log(best[i].Logprob, sum);
        return new TokenLogprob(id, Log(logits[id], sum), best);
    }

    private static float Log(float logit, double sum) => (float)(logit - sum);

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var likeliest = LogitRow.MostLikely(logits);
        Sampler.Take(likeliest); // refuses what is no number
        var most = likeliest.Logit;
        var max = Vector512.Create(most);
        var sum = 0.0;
        for (var first = 0; first < logits.Length; first += Block)
        {
            var block = logits.Slice(first, Math.Min(Block, logits.Length - first));
            var vectors = MemoryMarshal.Cast<float, Vector512<float>>(block);
            var lanes = Vector512<float>.Zero;
            foreach (var v in vectors) lanes += Vector512.Exp(v - max);
            sum += Vector512.Sum(lanes);
            foreach (var v in block[(vectors.Length * Vector512<float>.Count)..]) sum += MathF.Exp(v - most);
        }
        return most + Math.Log(sum);
    }
}
