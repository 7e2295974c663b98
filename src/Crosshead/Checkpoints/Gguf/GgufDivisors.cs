using System.Numerics;
using Crosshead.Layers;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Finds the scaling of Llama 3 that gives the factors in a GGUF file, by which rotary frequencies are divided. The
/// file has the factors only, and the scaling is what a configuration can express.
/// </summary>
internal static class GgufDivisors
{
    private const double Tolerance = 1e-5; // relative, of factors that were computed in single precision

    private const int MostFactor = 64, MostContext = 1 << 30;

    /// <summary>The scaling; null if there is none.</summary>
    /// <param name="divisors">A factor for each pair of a head, [d/2].</param>
    /// <param name="frequencyBase">RoPE's base (θ).</param>
    /// <param name="context">The model's context in tokens.</param>
    public static RopeScaling? ScalingOf(ReadOnlySpan<float> divisors, double frequencyBase, int context)
    {
        var wanted = divisors.ToArray();
        if (wanted.Any(d => !float.IsFinite(d) || d < 1 - Tolerance)) return null;
        var plain = RotaryFrequencies.Of(2 * wanted.Length, frequencyBase, null, context);
        // The slowest frequencies are divided by the whole factor, unless even they turn too often for that.
        var factors = Enumerable.Range(2, MostFactor - 1).Select(f => (double)f).Prepend(wanted.Max());
        return factors.SelectMany(factor => Candidates(factor, wanted, plain))
            .FirstOrDefault(scaling => Gives(scaling, wanted, plain, frequencyBase, context));
    }

    private static IEnumerable<RopeScaling> Candidates(double factor, float[] divisors, double[] plain)
    {
        if (factor < 1) yield break;
        var scaling = new RopeScaling { Kind = RopeScalingKind.Llama3, Factor = factor };
        var (low, high) = (scaling.LowFrequencyFactor, scaling.HighFrequencyFactor);
        var lowest = 1.0; // the least original context in which the undivided frequencies turn often enough
        for (var p = 0; p < divisors.Length; p++)
        {
            double Context(double turns) => turns * 2 * Math.PI / plain[p];
            if (divisors[p] <= 1 + Tolerance) lowest = Math.Clamp(Math.Ceiling(Context(high)), lowest, MostContext);
            else if (divisors[p] < factor * (1 - Tolerance))
            {
                var share = (1 / (double)divisors[p] - 1 / factor) / (1 - 1 / factor);
                if (Context(low + share * (high - low)) is > 1 and < MostContext and var original)
                    foreach (var rounded in Rounded(original))
                        yield return scaling with { OriginalContext = rounded };
            }
        }
        foreach (var original in Rounded(lowest))
            yield return scaling with { OriginalContext = original };
    }

    // Published models have powers of two.
    private static int[] Rounded(double context) =>
        [(int)BitOperations.RoundUpToPowerOf2((uint)Math.Round(context / Math.Sqrt(2))), (int)Math.Round(context)];

    private static bool Gives(RopeScaling scaling, float[] wanted, double[] plain, double frequencyBase, int context)
    {
        var scaled = RotaryFrequencies.Of(2 * wanted.Length, frequencyBase, scaling, context);
        return plain.Zip(scaled, (before, after) => before / after).Zip(wanted)
            .All(d => Math.Abs(d.First - d.Second) <= Tolerance * d.First);
    }
}
