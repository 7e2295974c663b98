using Crosshead.Decoding;

namespace Crosshead.Generation;

/// <summary>
/// Top-p and min-p where only the largest logits of a row are known. What the other tokens weigh together follows from
/// the row's log-sum-exp: at temperature 1 up to rounding, and otherwise between two bounds. A draw counts if the
/// tokens that it may take are known, and if it is the same for each sum between the bounds.
/// </summary>
internal static class PartialDraw
{
    private const double SumError = 1e-5;       // of a log-sum-exp in float32, relative to its sum
    private const double LogError = 1.2e-7;     // of its rounding, relative to the logarithm
    private const double WeightError = 2e-6;    // of a weight in float32
    private const double Rounding = 1e-12;      // of sums in float64

    /// <summary>Draws a token, if the largest logits decide.</summary>
    /// <param name="largest">The largest logits.</param>
    /// <param name="drawable">Which tokens may be drawn.</param>
    /// <param name="options">How they are drawn: by top-p or min-p, without top-k.</param>
    /// <param name="tokens">Working memory.</param>
    /// <param name="random">A random number, 0 to 1.</param>
    /// <returns>The token that all logits would give; −1 if smaller ones matter.</returns>
    public static int TryTake(in LargestLogits largest, DrawableTokens drawable, SamplingOptions options,
        Candidates tokens, double random)
    {
        if (!TryList(largest, drawable, tokens, out var best)) return -1;
        tokens.Weigh(options.Temperature);
        var sum = tokens.Sum;
        var rest = Rest(largest, drawable, best, tokens.Count, Candidates.Scale(options.Temperature));
        tokens.SortByWeight();
        var weights = tokens.Weights;
        var (p, least) = (options.TopP, (float)options.MinP);
        // The mass that is wanted lies between these.
        var low = p < 1 ? p * (sum + rest.Least) * (1 - Rounding) : double.PositiveInfinity;
        var high = p < 1 ? p * (sum + rest.Most) * (1 + Rounding) : double.PositiveInfinity;
        // As many tokens are kept as these say, or any number between.
        var (few, many) = (0, 0);
        var (fewMass, mass) = (0.0, 0.0);
        while (many == 0 || !(mass >= high))
        {
            if (many == weights.Length || weights[many] <= rest.Largest)
            {
                if (rest.Largest < least) break; // min-p keeps no other
                return -1;
            }
            if (weights[many] < least) break;
            var certain = many == few && (many == 0 || mass < low);
            mass += weights[many++];
            if (certain) (few, fewMass) = (many, mass);
        }
        if (p < 1)
        {
            var id = tokens.Pick(random, few, fewMass);
            return tokens.Pick(random, many, mass) == id ? id : -1;
        }
        tokens.KeepFirst(many);
        tokens.SortById(); // the order in which min-p alone leaves them
        tokens.KeepAtLeast(least);
        return tokens.Pick(random);
    }

    private static bool TryList(in LargestLogits largest, DrawableTokens drawable, Candidates tokens, out float best)
    {
        var ids = largest.Ids.Span;
        var logits = largest.Logits.Span;
        best = float.NaN;
        tokens.Clear();
        for (var i = 0; i < ids.Length; i++)
        {
            if (!drawable.Contains(ids[i])) continue;
            if (tokens.Count == 0) best = logits[i];
            tokens.Add(ids[i], logits[i] - best);
        }
        return tokens.Count > 0;
    }

    // What the tokens that are not listed weigh: together at least and at most, and each of them at most. A token of
    // score x less than the best weighs e^(x·scale), and y = e^x at temperature 1; the sum of all y is known.
    private static (double Least, double Most, double Largest) Rest(in LargestLogits largest, DrawableTokens drawable,
        float best, int listed, double scale)
    {
        var logits = largest.Logits.Span;
        var others = drawable.Logits - logits.Length;
        var drawn = drawable.Count - drawable.Suppressed.Length - listed;
        if (drawn == 0) return (0, 0, -1);
        var all = Math.Exp((double)largest.LogSumExp - best);
        var sum = all;
        foreach (var logit in logits) sum -= Math.Exp((double)logit - best);
        var error = all * (SumError + (LogError * Math.Abs(largest.LogSumExp)));
        var (low, high) = (Math.Max(0, sum - error), Math.Max(0, sum + error));
        var x = (double)logits[^1] - best; // of the best of them, at most
        // As y^scale = y · y^(scale − 1), the sum has one of its ends where all y are as large as they can be, and the
        // other where all are equal.
        double Steep(double y) => y * Math.Exp((scale - 1) * x);
        double Even(double y) => drawn * Math.Pow(y / drawn, scale);
        var (least, most) = scale >= 1 ? (Even(low), Steep(high)) : (Steep(low), Even(high));
        if (others > drawn) least = 0; // tokens that are never drawn may be the whole rest
        var each = Math.Exp(scale * x) * (1 + WeightError);
        return (least * (1 - WeightError), Math.Min(most * (1 + WeightError), drawn * each), each);
    }
}
