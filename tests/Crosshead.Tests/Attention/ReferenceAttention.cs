using static TorchSharp.torch;

namespace Crosshead.Tests.Attention;

/// <summary>
/// Every variant written out slowly, one query at a time, from mea.md §1–3: what the fast code must equal.
/// </summary>
internal static class ReferenceAttention
{
    public static Tensor Rotate(Tensor head, double frequencyBase, int? turned = null, double divisor = 1) // [N,d]
    {
        var (n, d) = (head.shape[0], head.shape[1]);
        var width = turned ?? d;
        var (cos, sin) = (new double[n, d / 2], new double[n, d / 2]);
        for (var t = 0; t < n; t++)
        {
            for (var p = 0; p < d / 2; p++)
                (sin[t, p], cos[t, p]) = Math.SinCos(2 * p < width
                    ? t * Math.Pow(frequencyBase, -2.0 * p / width) / divisor : 0);
        }
        var (a, b) = (head.narrow(1, 0, d / 2), head.narrow(1, d / 2, d / 2));
        return cat([(a * Constant(cos)) - (b * Constant(sin)), (b * Constant(cos)) + (a * Constant(sin))], 1);
    }

    /// <summary>
    /// Weights of each query over the keys up to itself: [N, N]. The sink, if there is one, takes its share and is left
    /// out.
    /// </summary>
    public static Tensor CausalSoftmax(Tensor scores, Tensor? sink = null)
    {
        var n = scores.shape[0];
        var weights = zeros_like(scores);
        for (var t = 0; t < n; t++)
        {
            var seen = scores[t, ..(t + 1)];
            weights[t, ..(t + 1)] = sink is null ? seen.softmax(0) : cat([seen, sink.view(1)]).softmax(0)[..(t + 1)];
        }
        return weights;
    }

    public static Tensor HeadNorm(Tensor head, Tensor weight, double epsilon) => // [N,w]
        head / ((head * head).mean([1L], keepdim: true) + Constant(epsilon)).sqrt() * weight;

    // TorchSharp's own scalars may be finalized while libtorch still reads them; a reference makes enough of them for
    // that to happen.
    private static Tensor Constant(double value) => tensor(new[] { value });

    private static Tensor Constant(double[,] values) => tensor(values);

    /// <summary>Splits rows [N, n·d] of one sequence in n heads [N, d].</summary>
    public static Tensor[] Heads(Tensor rows, long d) =>
        [.. Enumerable.Range(0, (int)(rows.shape[1] / d)).Select(i => rows.narrow(1, i * d, d))];

    /// <summary>head g = Σ_c mix[c, g] · component c (eq. 10–11).</summary>
    public static Tensor[] Compose(Tensor[] components, Tensor mix) =>
        [.. Enumerable.Range(0, (int)mix.shape[1])
            .Select(g => components.Select((k, c) => k * mix[c, g]).Aggregate((a, b) => a + b))];

    /// <summary>
    /// The first r/2 pairs of heads by frequency, and the numbers of the other pairs, in their order, by matrices: head
    /// g's number b of these = Σ_j Σ_a rest[j·u + a, g, b] · component j's number a, one at a time.
    /// </summary>
    /// <param name="components">[N, d] each.</param>
    /// <param name="mix">[c, g, r/2, 2]; null for r = 0.</param>
    /// <param name="rest">[c·u, g, u], u = d − r; null for u = 0.</param>
    public static Tensor[] ComposeByPart(Tensor[] components, Tensor? mix, Tensor? rest)
    {
        var (d, rotated) = ((int)components[0].shape[1], (int)(mix?.shape[2] ?? 0));
        long[] places = [.. Enumerable.Range(0, d).Where(i => i % (d / 2) >= rotated).Select(i => (long)i)];
        var heads = mix is null
            ? [.. Enumerable.Range(0, (int)rest!.shape[1]).Select(_ => zeros_like(components[0]))]
            : ComposeByFrequency([.. components.Select(Pairs)], mix).Select(Apart).ToArray();
        if (rest is null) return heads;
        for (var g = 0; g < heads.Length; g++)
            for (var j = 0; j < components.Length; j++)
                for (var a = 0; a < places.Length; a++)
                    for (var b = 0; b < places.Length; b++)
                        heads[g][.., places[b]] += components[j][.., places[a]] * rest[(j * places.Length) + a, g, b];
        return heads;

        Tensor Pairs(Tensor head) => cat([head.narrow(1, 0, rotated), head.narrow(1, d / 2, rotated)], 1);

        Tensor Apart(Tensor pairs)
        {
            var head = zeros(pairs.shape[0], d, ScalarType.Float64);
            for (var p = 0; p < rotated; p++)
                (head[.., p], head[.., p + (d / 2)]) = (pairs[.., p], pairs[.., p + rotated]);
            return head;
        }
    }

    /// <summary>
    /// head g's z_p = Σ_c mix[c, g, p] · component c's z_p with z_p = x[p] + i·x[p + d/2], one number at a time.
    /// </summary>
    public static Tensor[] ComposeByFrequency(Tensor[] components, Tensor mix)
    {
        var half = mix.shape[2];
        return [.. Enumerable.Range(0, (int)mix.shape[1]).Select(g =>
        {
            var head = zeros_like(components[0]); // [N,d]
            for (var c = 0; c < components.Length; c++)
            {
                for (var p = 0; p < half; p++)
                {
                    var (a, b, re, im) = (components[c][.., p], components[c][.., p + half], mix[c, g, p, 0],
                        mix[c, g, p, 1]);
                    head[.., p] += (a * re) - (b * im);
                    head[.., p + half] += (b * re) + (a * im);
                }
            }
            return head;
        })];
    }
}
