using Crosshead.Layers;

namespace Crosshead.Decoding.Cpu;

/// <summary>Chooses the experts of each token, those rated highest, and their weights; in float32.</summary>
/// <param name="matrix">[E, D] in float32, with the bias of the logits.</param>
/// <param name="choiceBias">Added to weights while experts are chosen, [E]; null for nothing.</param>
/// <param name="options">How experts are rated and weighted.</param>
internal sealed unsafe class Router(StackedMatrix matrix, float[]? choiceBias, ExpertOptions options) : IDisposable
{
    private const float Tiny = 1e-20f; // so that weights that are all 0 stay so

    /// <summary>The matrix that each token multiplies.</summary>
    public StackedMatrix Matrix => matrix;

    /// <summary>Routes one token.</summary>
    /// <param name="logits">[E], filled up to a multiple of 16; overwritten.</param>
    /// <param name="rated">[E], filled up likewise; overwritten.</param>
    /// <param name="routes">Receives the experts of the token.</param>
    /// <param name="row">The token.</param>
    public void Route(float* logits, float* rated, ExpertRoutes routes, int row)
    {
        // Weights before they are scaled. Those of a softmax lack their sum, which matters only with a bias.
        var scores = new Span<float>(logits, options.Count);
        var total = 1f;
        if (options.Scoring == ExpertScoring.Sigmoid) RowMath.Sigmoid(logits, Panel.Round(options.Count));
        else
        {
            new Span<float>(logits + options.Count, Panel.Round(options.Count) - options.Count)
                .Fill(float.NegativeInfinity);
            total = RowMath.Exp(logits, RowMath.Max(logits, options.Count), 1, logits, options.Count);
        }
        var ratings = new Span<float>(rated, options.Count);
        for (var e = 0; e < ratings.Length; e++)
            ratings[e] = choiceBias is null ? scores[e] : (scores[e] / total) + choiceBias[e];
        if (options.Groups > 1) KeepBestGroups(ratings);

        var chosen = 0f;
        for (var j = 0; j < options.PerToken; j++)
        {
            var best = Best(ratings);
            routes[j, row] = (best, scores[best]);
            chosen += scores[best];
            ratings[best] = float.NegativeInfinity;
        }
        var divisor = options.Renormalize ? chosen + Tiny : total;
        for (var j = 0; j < options.PerToken; j++)
            routes[j, row] = (routes[j, row].Expert, routes[j, row].Weight / divisor * (float)options.WeightFactor);
    }

    /// <inheritdoc/>
    public void Dispose() => matrix.Dispose();

    // Experts of other groups than the best get −∞.
    private void KeepBestGroups(Span<float> ratings)
    {
        var size = ratings.Length / options.Groups;
        Span<float> good = stackalloc float[options.Groups];
        for (var g = 0; g < good.Length; g++) good[g] = SumOfTwoBest(ratings.Slice(g * size, size));
        for (var others = options.Groups - options.GroupsPerToken; others > 0; others--)
        {
            var worst = 0; // of equals the last, so that the first stay
            for (var g = 1; g < good.Length; g++)
                if (good[g] <= good[worst]) worst = g;
            ratings.Slice(worst * size, size).Fill(float.NegativeInfinity);
            good[worst] = float.PositiveInfinity;
        }
    }

    private static float SumOfTwoBest(ReadOnlySpan<float> ratings)
    {
        var (first, second) = (Math.Max(ratings[0], ratings[1]), Math.Min(ratings[0], ratings[1]));
        foreach (var rating in ratings[2..])
            (first, second) = (Math.Max(first, rating), Math.Max(second, Math.Min(first, rating)));
        return first + second;
    }

    // The first of the largest.
    private static int Best(ReadOnlySpan<float> ratings)
    {
        var best = 0;
        for (var e = 1; e < ratings.Length; e++)
            if (ratings[e] > ratings[best]) best = e;
        return best;
    }
}
